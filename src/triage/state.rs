//! The states of an incident, and what OCSF calls them.

/// What people have decided of an incident.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum TriageState {
    /// Nobody has looked at it.
    #[default]
    New,
    /// Somebody works on it.
    InProgress,
    /// It was an incident, and it is over.
    Resolved,
    /// The rule should not have matched.
    FalsePositive,
    /// The rule was right, and what it found is known and wanted.
    Expected,
}

impl TriageState {
    /// All of them, in the order in which they are offered.
    pub const ALL: [TriageState; 5] = [
        TriageState::New,
        TriageState::InProgress,
        TriageState::Resolved,
        TriageState::FalsePositive,
        TriageState::Expected,
    ];

    /// Its name in URLs, forms and records.
    pub const fn name(self) -> &'static str {
        match self {
            TriageState::New => "new",
            TriageState::InProgress => "in_progress",
            TriageState::Resolved => "resolved",
            TriageState::FalsePositive => "false_positive",
            TriageState::Expected => "expected",
        }
    }

    /// The state of this name.
    pub fn of_name(name: &str) -> Option<TriageState> {
        let mut all = TriageState::ALL.into_iter();
        all.find(|state| state.name() == name)
    }

    /// Whether nothing is left to do: a further alert of the group begins a new incident.
    pub const fn is_closed(self) -> bool {
        match self {
            TriageState::New | TriageState::InProgress => false,
            TriageState::Resolved | TriageState::FalsePositive | TriageState::Expected => true,
        }
    }

    /// OCSF `status_id` and `status` of an Incident Finding.
    pub(super) const fn status(self) -> (i64, &'static str) {
        match self {
            TriageState::New => (1, "New"),
            TriageState::InProgress => (2, "In Progress"),
            TriageState::Resolved => (4, "Resolved"),
            TriageState::FalsePositive | TriageState::Expected => (5, "Closed"),
        }
    }

    /// OCSF `verdict_id` and `verdict` of an Incident Finding.
    pub(super) const fn verdict(self) -> (i64, &'static str) {
        match self {
            TriageState::New | TriageState::InProgress => (0, "Unknown"),
            TriageState::Resolved => (2, "True Positive"),
            TriageState::FalsePositive => (1, "False Positive"),
            TriageState::Expected => (5, "Benign"),
        }
    }

    /// The state of a `status_id` and a `verdict_id`.
    pub(super) fn of_ocsf(status_id: i64, verdict_id: i64) -> Option<TriageState> {
        let mut all = TriageState::ALL.into_iter();
        all.find(|state| (state.status().0, state.verdict().0) == (status_id, verdict_id))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_state_is_read_back_from_its_name_and_from_ocsf() {
        for state in TriageState::ALL {
            assert_eq!(TriageState::of_name(state.name()), Some(state));
            let (status, verdict) = (state.status().0, state.verdict().0);
            assert_eq!(TriageState::of_ocsf(status, verdict), Some(state));
        }
        assert_eq!(TriageState::of_name("closed"), None);
        assert_eq!(TriageState::of_ocsf(5, 2), None);
    }
}
