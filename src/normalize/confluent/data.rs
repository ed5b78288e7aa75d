//! The payload: which members of which object are read. Each object is looked through once, and
//! names match whatever their case and underscores, since the feed mixes them.

use crate::json::{Document, NodeId};
use crate::normalize::members::members;

/// The payload and those of its parts that are used most.
pub(super) struct Data {
    pub(super) root: Root,
    pub(super) authentication: AuthenticationInfo,
    pub(super) authorization: AuthorizationInfo,
    pub(super) request: Request,
    pub(super) request_metadata: RequestMetadata,
    pub(super) result: ResultFields,
}

impl Data {
    pub(super) fn of(document: &Document<'_>, data: NodeId) -> Self {
        let root = Root::of(document, data);
        Self {
            authentication: AuthenticationInfo::of(document, root.authentication),
            authorization: AuthorizationInfo::of(document, root.authorization),
            request: Request::of(document, root.request),
            request_metadata: RequestMetadata::of(document, root.request_metadata),
            result: ResultFields::of(document, root.result),
            root,
        }
    }
}

members! {
    /// `data` itself.
    Root {
        method_name: "methodName",
        service_name: "serviceName",
        resource_name: "resourceName",
        internal_service_name: "internalServiceName",
        cloud_resources: "cloudResources",
        client_address: "clientAddress",
        error_message: "errorMessage",
        authentication: "authenticationInfo",
        authorization: "authorizationInfo",
        request: "request",
        request_metadata: "requestMetadata",
        result: "result",
    }
}

members! {
    /// `authenticationInfo`.
    AuthenticationInfo {
        principal: "principal",
        principal_resource_id: "principalResourceId",
        original_principal: "originalPrincipal",
        identity: "identity",
        metadata: "metadata",
        credentials: "credentials",
        result: "result",
        error_message: "errorMessage",
    }
}

members! {
    /// `authorizationInfo`, old or new.
    AuthorizationInfo {
        result: "result",
        granted: "granted",
        resource_name: "resourceName",
        resource_type: "resourceType",
        rbac: "rbacAuthorization",
        acl: "aclAuthorization",
        super_user: "superUserAuthorization",
        ip_filter: "ipfilterAuthorization",
        private_link: "privateLinkPolicyAuthorization",
        request_metadata: "requestMetadata",
    }
}

members! {
    /// `request`; what is in its `data` is the caller's.
    Request {
        data: "data",
        client_id: "clientId",
        access_type: "accessType",
    }
}

members! {
    /// `requestMetadata`.
    RequestMetadata {
        client_address: "clientAddress",
        client_id: "clientId",
        connection_id: "connectionId",
        request_id: "requestId",
    }
}

members! {
    /// A client's address.
    Address {
        ip: "ip",
        port: "port",
    }
}

members! {
    /// `result`; what is in its `data` is the caller's.
    ResultFields {
        status: "status",
        message: "message",
        error_message: "errorMessage",
        data: "data",
    }
}

members! {
    /// A principal of the new dialect.
    Principal {
        user: "confluentUser",
        service_account: "confluentServiceAccount",
        identity_pool: "identityPool",
        group: "group",
        external: "externalAccount",
        email: "email",
    }
}

members! {
    /// An element of `cloudResources`.
    CloudResource {
        scope: "scope",
        resource: "resource",
    }
}

members! {
    /// A resource, or a level of its scope.
    Named {
        kind: "type",
        id: "resourceId",
    }
}
