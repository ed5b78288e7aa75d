//! The ordinal of this process: its number within the consumer group, which is part of its transactional
//! ids. Two processes with the same number would fence each other again and again, so in Kubernetes the
//! number must be configured, for example from the label that a StatefulSet gives its pods.

use crate::config::Fault;

/// The number of this process, and whether it was configured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Ordinal {
    pub(super) number: u32,
    /// Whether the number is the default because none was configured.
    assumed: bool,
}

impl Ordinal {
    /// Logs the number.
    pub(super) fn announce(self) {
        let ordinal = self.number;
        if self.assumed {
            tracing::warn!(
                ordinal,
                "`ordinal` is not set: a second process of the group needs a number of its own \
                 (WATCHBELL__ORDINAL=1)"
            );
        } else {
            tracing::info!(ordinal, "number of this process in its group");
        }
    }
}

/// Whether this process runs in a pod.
pub(super) fn is_in_kubernetes() -> bool {
    // The kubelet sets this variable in every container.
    std::env::var_os("KUBERNETES_SERVICE_HOST").is_some()
}

/// The configured number; 0 outside Kubernetes if none is configured.
///
/// # Errors
/// In Kubernetes a number must be configured, because there may be several replicas.
pub(super) fn choose(configured: Option<u32>, in_kubernetes: bool) -> Result<Ordinal, Fault> {
    match configured {
        Some(number) => Ok(Ordinal {
            number,
            assumed: false,
        }),
        None if in_kubernetes => {
            let message =
                "not set; Kubernetes may run several replicas, and each needs its own number";
            Err(Fault::new("ordinal", message).remedy(
                "in a StatefulSet, set WATCHBELL__ORDINAL from the pod's label (valueFrom: fieldRef: \
                 fieldPath: metadata.labels['apps.kubernetes.io/pod-index'], Kubernetes 1.28 or \
                 later); elsewhere give each replica a number of its own: WATCHBELL__ORDINAL=0",
            ))
        }
        None => Ok(Ordinal {
            number: 0,
            assumed: true,
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_configured_number_holds_everywhere() {
        for in_kubernetes in [false, true] {
            assert_eq!(choose(Some(7), in_kubernetes).unwrap().number, 7);
        }
    }

    #[test]
    fn a_pod_without_a_number_is_refused_whatever_it_is_called() {
        let fault = choose(None, true).unwrap_err().to_string();
        assert!(fault.contains("apps.kubernetes.io/pod-index"), "{fault}");
    }

    #[test]
    fn one_process_outside_kubernetes_is_the_first_and_says_so() {
        let ordinal = choose(None, false).unwrap();
        assert_eq!((ordinal.number, ordinal.assumed), (0, true));
    }
}
