//! Which members of which object of an event are read.

use crate::json::Document;
use crate::normalize::members::members;

/// The event and those of its parts that are read in several places.
pub(super) struct Data {
    pub(super) root: Root,
    pub(super) actor: Actor,
    pub(super) api: Api,
    pub(super) http_request: HttpRequest,
    /// Of the login, or of the actor.
    pub(super) user: User,
}

impl Data {
    pub(super) fn of(document: &Document<'_>) -> Self {
        let root = Root::of(document, document.root());
        let actor = Actor::of(document, root.actor);
        Self {
            api: Api::of(document, root.api),
            http_request: HttpRequest::of(document, root.http_request),
            user: User::of(document, root.user.or(actor.user)),
            actor,
            root,
        }
    }
}

members! {
    /// The event itself.
    Root {
        activity_id: "activity_id",
        actor: "actor",
        api: "api",
        app: "app",
        auth_protocol: "auth_protocol",
        auth_protocol_id: "auth_protocol_id",
        category_uid: "category_uid",
        class_uid: "class_uid",
        cloud: "cloud",
        http_request: "http_request",
        is_mfa: "is_mfa",
        metadata: "metadata",
        resources: "resources",
        service: "service",
        severity_id: "severity_id",
        src_endpoint: "src_endpoint",
        status_detail: "status_detail",
        status_id: "status_id",
        time: "time",
        type_uid: "type_uid",
        user: "user",
    }
}

members! {
    /// `actor`.
    Actor {
        authorizations: "authorizations",
        user: "user",
    }
}

members! {
    /// `actor.authorizations[]`.
    Authorization {
        decision: "decision",
        policy: "policy",
    }
}

members! {
    /// `actor.authorizations[].policy`.
    Policy {
        desc: "desc",
        name: "name",
    }
}

members! {
    /// `api`.
    Api {
        operation: "operation",
        service: "service",
    }
}

members! {
    /// `http_request`.
    HttpRequest {
        http_method: "http_method",
        url: "url",
        user_agent: "user_agent",
    }
}

members! {
    /// `user` of a login, `actor.user` of a request.
    User {
        name: "name",
        type_id: "type_id",
        uid: "uid",
    }
}

members! {
    /// `src_endpoint`.
    Endpoint {
        ip: "ip",
        name: "name",
        port: "port",
    }
}

members! {
    /// `resources[]`.
    Resource {
        data: "data",
        kind: "type",
        name: "name",
        uid: "uid",
    }
}

members! {
    /// `metadata.product`, `app`.
    Product {
        feature: "feature",
        name: "name",
        vendor_name: "vendor_name",
    }
}
