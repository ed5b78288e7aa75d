//! The result of an inspection, and how it is built: what passed, what must be repaired, which rights are missing.

use std::fmt;
use std::time::Duration;

use crate::kafka::access::{Access, Permission};
use crate::kafka::acl::{Operation, Resource, Right, commands};
use crate::kafka::{BrokerKind, ClientError, Cluster};

/// Timeout of one request.
pub(super) const REQUEST_TIMEOUT: Duration = Duration::from_secs(10);

/// The result for one cluster.
#[derive(Debug, Default)]
pub struct Inspection {
    /// `destination`, or `source` and the source's name.
    pub name: String,
    /// The checks that passed.
    pub fine: Vec<String>,
    /// What must be repaired.
    pub problems: Vec<Issue>,
    /// What need not be repaired, but should be known.
    pub warnings: Vec<Issue>,
    /// Shell commands that grant the missing rights.
    pub commands: Vec<String>,
}

/// One thing that is not as it should be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Issue {
    /// What is wrong.
    pub message: String,
    /// What to do.
    pub remedy: String,
}

impl fmt::Display for Issue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}\n  help: {}", self.message, self.remedy)
    }
}

const GRANT: &str = "grant it with the command below";

/// An inspection in progress.
pub(super) struct InspectionBuilder {
    inspection: Inspection,
    pub(super) fine: Vec<String>,
    missing: Vec<Right>,
    /// What to check if the login is refused, beyond what the error says.
    pub(super) login_remedy: Option<&'static str>,
}

impl InspectionBuilder {
    pub(super) fn new(name: String) -> InspectionBuilder {
        InspectionBuilder {
            inspection: Inspection {
                name,
                ..Inspection::default()
            },
            fine: Vec::new(),
            missing: Vec::new(),
            login_remedy: None,
        }
    }

    /// Connects to the cluster and asks for its id; `None` if that fails, which is noted as a problem.
    pub(super) fn connect<'c>(
        &mut self,
        cluster: &'c Cluster,
    ) -> Option<(Access<'c>, Option<String>)> {
        let reached = cluster
            .cluster_id(REQUEST_TIMEOUT)
            .and_then(|id| Ok((Access::new(cluster, REQUEST_TIMEOUT)?, id)));
        match reached {
            Ok((access, id)) => {
                let name = id.as_deref().unwrap_or("without an id");
                let bootstrap = &cluster.bootstrap;
                self.fine
                    .push(format!("cluster {name} answers at {bootstrap}"));
                Some((access, id))
            }
            Err(error) => {
                self.unreachable(&error);
                None
            }
        }
    }

    pub(super) fn unreachable(&mut self, error: &ClientError) {
        let remedy = match error {
            // The error's own text says what to repair.
            ClientError::Login { .. } => self
                .login_remedy
                .unwrap_or("the brokers were reached, but they refuse the login"),
            _ => error
                .remedy()
                .unwrap_or("check bootstrap, the network, the brokers, and security.protocol"),
        };
        self.problem(error.to_string(), remedy);
    }

    pub(super) fn problem(&mut self, message: String, remedy: &str) {
        self.inspection.problems.push(Issue {
            message,
            remedy: remedy.to_owned(),
        });
    }

    /// A missing right that is not strictly needed.
    pub(super) fn advise(&mut self, message: String, right: Right) {
        self.inspection.warnings.push(Issue {
            message,
            remedy: GRANT.to_owned(),
        });
        self.missing.push(right);
    }

    pub(super) fn denied(&mut self, resource: Resource, operations: &[Operation]) {
        let right = Right::new(resource, operations);
        self.problem(format!("missing: {right}"), GRANT);
        self.missing.push(right);
    }

    pub(super) fn judge(
        &mut self,
        attempt: Permission,
        resource: Resource,
        operations: &[Operation],
    ) {
        let right = Right::new(resource, operations);
        match attempt {
            Permission::Granted => self.fine.push(right.to_string()),
            Permission::Denied => {
                self.problem(format!("missing: {right}"), GRANT);
                self.missing.push(right);
            }
            Permission::Unknown(detail) => {
                let message = format!("{right}: could not be checked: {detail}");
                self.problem(message, "try again; then look at the brokers' logs");
            }
        }
    }

    pub(super) fn finish(
        self,
        cluster: &Cluster,
        kind: BrokerKind,
        id: Option<String>,
    ) -> Inspection {
        Inspection {
            commands: commands(cluster, kind, id.as_deref(), &self.missing),
            fine: self.fine,
            ..self.inspection
        }
    }
}
