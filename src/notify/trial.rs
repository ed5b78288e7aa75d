//! Tries a template on example alerts of every kind, before the daemon starts.

use super::example;
use super::template::{PARTS, Template, TemplateError, TemplateFault};

impl Template {
    /// Compiles the templates given and tries them on example alerts of every kind. Returns a warning for
    /// each kind for which a template gives no visible text: such alerts are sent with the default text.
    ///
    /// # Errors
    /// One of them is not a valid template, or fails on a kind of alert.
    pub fn tried(
        title: Option<String>,
        text: Option<String>,
    ) -> Result<(Template, Vec<TemplateError>), TemplateError> {
        let template = Template::new(title, text)?;
        let mut warnings = Vec::new();
        for (kind, message) in example::messages() {
            let (title, text) = template.render(&message);
            for ((_, key), rendered) in PARTS.into_iter().zip([title, text]) {
                match rendered {
                    None | Some(Ok(_)) => {}
                    Some(Err(TemplateFault::Blank)) => warnings.push(TemplateError {
                        key,
                        line: 1,
                        what: format!("the template gives no visible text for {kind}"),
                    }),
                    Some(Err(TemplateFault::Failed { line, what })) => {
                        return Err(TemplateError {
                            key,
                            line,
                            what: format!("the template fails on {kind}: {what}"),
                        });
                    }
                }
            }
        }
        Ok((template, warnings))
    }
}
