//! Which number this process has among its peers: part of its transactional ids.
//! Two processes of one number would fence each other for ever: in Kubernetes, where replicas are
//! made by the dozen, a number has to come from a pod's name or from somebody who decides.

use crate::config::Fault;

/// The machine, as far as it tells a number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Host {
    name: String,
    kubernetes: bool,
}

impl Host {
    /// The one that this process runs on.
    pub(super) fn this() -> Host {
        let name = std::env::var("HOSTNAME").or_else(|_| std::fs::read_to_string("/etc/hostname"));
        Host {
            name: name.unwrap_or_default().trim().to_owned(),
            // The kubelet sets it in every container.
            kubernetes: std::env::var_os("KUBERNETES_SERVICE_HOST").is_some(),
        }
    }

    /// A StatefulSet's pod is called `<set>-<number>`.
    fn number(&self) -> Option<u32> {
        self.name.rsplit_once('-')?.1.parse().ok()
    }
}

/// A number and why it is that.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Ordinal {
    pub(super) number: u32,
    /// Whether nothing told it.
    assumed: bool,
}

impl Ordinal {
    /// Say what was chosen.
    pub(super) fn announce(self) {
        let ordinal = self.number;
        if self.assumed {
            tracing::warn!(
                ordinal,
                "neither `ordinal` nor the host's name numbers this process: a second process of \
                 the group needs a number of its own (WATCHBELL__ORDINAL=1)"
            );
        } else {
            tracing::info!(ordinal, "number of this process in its group");
        }
    }
}

/// The configured number, else the one at the end of the host's name, else 0 where that is safe.
///
/// # Errors
/// In Kubernetes, nothing tells a number: replicas of a Deployment would all be 0.
pub(super) fn choose(configured: Option<u32>, host: &Host) -> Result<Ordinal, Fault> {
    if let Some(number) = configured.or_else(|| host.number()) {
        return Ok(Ordinal {
            number,
            assumed: false,
        });
    }
    if host.kubernetes {
        let message = format!("the pod's name `{}` does not end in a number", host.name);
        return Err(Fault::new("ordinal", message).remedy(
            "run watchbell as a StatefulSet, or give each replica a number of its own: \
             WATCHBELL__ORDINAL=0",
        ));
    }
    Ok(Ordinal {
        number: 0,
        assumed: true,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn host(name: &str, kubernetes: bool) -> Host {
        Host {
            name: name.into(),
            kubernetes,
        }
    }

    #[test]
    fn a_stateful_sets_pod_knows_its_number_and_configuration_overrules_it() {
        let pod = host("watchbell-3", true);
        assert_eq!(choose(None, &pod).unwrap().number, 3);
        assert_eq!(choose(Some(7), &pod).unwrap().number, 7);
    }

    #[test]
    fn replicas_of_a_deployment_are_refused_until_somebody_numbers_them() {
        let pod = host("watchbell-7c9d8f6b5-x2kqp", true);
        let fault = choose(None, &pod).unwrap_err().to_string();
        assert!(fault.contains("StatefulSet"), "{fault}");
        assert_eq!(choose(Some(1), &pod).unwrap().number, 1);
    }

    #[test]
    fn one_process_outside_kubernetes_is_the_first_and_says_so() {
        let ordinal = choose(None, &host("laptop", false)).unwrap();
        assert_eq!((ordinal.number, ordinal.assumed), (0, true));
    }
}
