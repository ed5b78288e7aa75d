//! Which members of which object of an event are read.

use super::recognize::is_insight;
use crate::json::{Document, NodeId};
use crate::normalize::members::members;
use crate::normalize::walk;

/// The event and those of its parts that are used most.
pub(super) struct Data {
    pub(super) root: Root,
    pub(super) identity: Identity,
    /// Of the user's session.
    pub(super) attributes: SessionAttributes,
    pub(super) additional: Additional,
    pub(super) response: Response,
    /// Whether the event reports unusual activity, and not an operation.
    pub(super) is_insight: bool,
}

impl Data {
    pub(super) fn of(document: &Document<'_>) -> Self {
        let root = Root::of(document, document.root());
        let identity = Identity::of(document, root.user_identity);
        let attributes = walk::descend(document, identity.session_context, &["attributes"]);
        Self {
            attributes: SessionAttributes::of(document, attributes.or(identity.session_attributes)),
            additional: Additional::of(document, root.additional_event_data),
            response: Response::of(document, root.response_elements),
            is_insight: is_insight(document, root.event_category, root.event_type),
            identity,
            root,
        }
    }

    /// Whether a member's name is not the vendor's choice: those of the request, of the response, and of what a
    /// product adds.
    pub(super) fn is_callers(&self, document: &Document<'_>, member: NodeId) -> bool {
        let root = &self.root;
        [
            root.request_parameters,
            root.response_elements,
            root.additional_event_data,
        ]
        .into_iter()
        .any(|part| walk::is_below(document, member, part))
    }
}

members! {
    /// The event itself.
    Root {
        acs_region: "acsRegion",
        additional_event_data: "additionalEventData",
        api_version: "apiVersion",
        error_code: "errorCode",
        error_message: "errorMessage",
        event_attributes: "eventAttributes",
        event_category: "eventCategory",
        event_id: "eventId",
        event_name: "eventName",
        event_rw: "eventRW",
        event_source: "eventSource",
        event_time: "eventTime",
        event_type: "eventType",
        recipient_account_id: "recipientAccountId",
        referenced_resources: "referencedResources",
        request_id: "requestId",
        request_parameters: "requestParameters",
        resource_name: "resourceName",
        resource_type: "resourceType",
        response_elements: "responseElements",
        service_name: "serviceName",
        shared_event_id: "sharedEventId",
        source_ip_address: "sourceIpAddress",
        user_agent: "userAgent",
        user_identity: "userIdentity",
        vpc_id: "vpcId",
    }
}

members! {
    /// `userIdentity`.
    Identity {
        access_key_id: "accessKeyId",
        account_id: "accountId",
        invoked_by: "invokedBy",
        kind: "type",
        principal_id: "principalId",
        session_context: "sessionContext",
        session_attributes: "sessionAttributes",
        user_name: "userName",
    }
}

members! {
    /// `userIdentity.sessionContext.attributes`.
    SessionAttributes {
        creation_date: "creationDate",
        mfa_authenticated: "mfaAuthenticated",
    }
}

members! {
    /// `additionalEventData`.
    Additional {
        is_mfa_checked: "isMFAChecked",
        login_account: "loginAccount",
        mfa_checked: "mfaChecked",
        namespace: "namespace",
    }
}

members! {
    /// `responseElements`.
    Response {
        err_code: "errCode",
        error_code: "errorCode",
        result: "result",
        success: "success",
    }
}
