//! OCSF event classes as data. A source whose events are of another class declares it here.

use super::activity::Activity;

/// An OCSF event class, as far as watchbell writes it.
#[derive(Debug, PartialEq, Eq)]
pub struct EventClass {
    /// OCSF `class_uid`.
    pub uid: i64,
    /// OCSF `class_name`.
    pub name: &'static str,
    /// OCSF `category_name`.
    pub category_name: &'static str,
    /// The category in the `logsource` of rules.
    pub logsource_category: &'static str,
    /// OCSF `activity_id` and `activity_name` of the activities that it knows.
    pub activities: &'static [(Activity, i64, &'static str)],
    /// Whether it has the attribute `api` without the profile `cloud`.
    pub has_api: bool,
    /// Whether it has the attribute `resources`.
    pub has_resources: bool,
    /// Whether it has the attributes of a login: `user`, `service` and `auth_protocol`.
    pub has_login: bool,
    /// Whether it is about an application itself: it has the attribute `app`, and neither `actor` nor
    /// `src_endpoint` nor `http_request`.
    pub has_app: bool,
}

/// API Activity, 6003.
pub static API_ACTIVITY: EventClass = EventClass {
    uid: 6003,
    name: "API Activity",
    category_name: "Application Activity",
    logsource_category: "api_activity",
    activities: &[
        (Activity::Create, 1, "Create"),
        (Activity::Read, 2, "Read"),
        (Activity::Update, 3, "Update"),
        (Activity::Delete, 4, "Delete"),
    ],
    has_api: true,
    has_resources: true,
    has_login: false,
    has_app: false,
};

/// Authentication, 3002.
pub static AUTHENTICATION: EventClass = EventClass {
    uid: 3002,
    name: "Authentication",
    category_name: "Identity & Access Management",
    logsource_category: "authentication",
    activities: &[
        (Activity::Logon, 1, "Logon"),
        (Activity::Logoff, 2, "Logoff"),
    ],
    has_api: false,
    has_resources: false,
    has_login: true,
    has_app: false,
};

/// Application Lifecycle, 6002.
pub static APPLICATION_LIFECYCLE: EventClass = EventClass {
    uid: 6002,
    name: "Application Lifecycle",
    category_name: "Application Activity",
    logsource_category: "application_lifecycle",
    activities: &[
        (Activity::Create, 1, "Install"),
        (Activity::Delete, 2, "Remove"),
        (Activity::Start, 3, "Start"),
        (Activity::Stop, 4, "Stop"),
        (Activity::Update, 8, "Update"),
    ],
    has_api: false,
    has_resources: false,
    has_login: false,
    has_app: true,
};

/// Every class of events.
pub(crate) static CLASSES: [&EventClass; 3] =
    [&API_ACTIVITY, &AUTHENTICATION, &APPLICATION_LIFECYCLE];

impl EventClass {
    /// The class with this OCSF `class_uid`.
    pub fn of_uid(uid: i64) -> Option<&'static EventClass> {
        CLASSES.into_iter().find(|class| class.uid == uid)
    }

    /// OCSF `category_uid`.
    pub const fn category_uid(&self) -> i64 {
        self.uid / 1000
    }

    /// OCSF `activity_id` and `activity_name`; 99 `Other` for an activity that the class does not know.
    pub fn activity(&self, activity: Activity) -> (i64, &'static str) {
        let mut known = self.activities.iter();
        let known = known.find(|(of, _, _)| *of == activity);
        known.map_or((99, "Other"), |(_, id, name)| (*id, *name))
    }

    /// The activity with this OCSF `activity_id`; `Other` for one that is not written.
    pub fn activity_of_id(&self, id: i64) -> Activity {
        let mut known = self.activities.iter();
        let known = known.find(|(_, of, _)| *of == id);
        known.map_or(Activity::Other, |(activity, _, _)| *activity)
    }

    /// OCSF `type_uid`.
    pub fn type_uid(&self, activity: Activity) -> i64 {
        self.uid * 100 + self.activity(activity).0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_classes_are_numbered_as_ocsf_numbers_them() {
        assert_eq!(API_ACTIVITY.category_uid(), 6);
        assert_eq!(API_ACTIVITY.type_uid(Activity::Delete), 600_304);
        assert_eq!(API_ACTIVITY.activity(Activity::Logon), (99, "Other"));
        assert_eq!(AUTHENTICATION.category_uid(), 3);
        assert_eq!(AUTHENTICATION.type_uid(Activity::Logon), 300_201);
        assert_eq!(AUTHENTICATION.type_uid(Activity::Read), 300_299);
        assert_eq!(APPLICATION_LIFECYCLE.category_uid(), 6);
        assert_eq!(APPLICATION_LIFECYCLE.type_uid(Activity::Stop), 600_204);
        assert_eq!(APPLICATION_LIFECYCLE.activity_of_id(3), Activity::Start);
        assert_eq!(API_ACTIVITY.activity_of_id(3), Activity::Update);
        assert_eq!(API_ACTIVITY.activity_of_id(0), Activity::Other);
        for class in CLASSES {
            assert_eq!(EventClass::of_uid(class.uid), Some(class));
        }
        assert_eq!(EventClass::of_uid(2004), None);
    }
}
