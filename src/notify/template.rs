//! A person's own words in place of the shipped ones: minijinja, strict, without access to
//! anything but the message.
//! Invariant: a template costs bounded work, and is tried once before the daemon starts.

use minijinja::{Environment, UndefinedBehavior};

use super::message::Message;

/// Steps of the template engine before a template is stopped.
const FUEL: u64 = 50_000;

/// Templates of a title and a text; either may be absent.
pub struct Template {
    environment: Environment<'static>,
}

impl std::fmt::Debug for Template {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Template")
    }
}

/// A template is wrong.
#[derive(Debug, thiserror::Error)]
#[error("{0:#}")]
pub struct TemplateError(#[from] minijinja::Error);

impl Template {
    /// Compiles the templates given.
    ///
    /// # Errors
    /// One is no template.
    pub fn new(title: Option<String>, text: Option<String>) -> Result<Template, TemplateError> {
        let mut environment = Environment::new();
        environment.set_undefined_behavior(UndefinedBehavior::Strict);
        environment.set_fuel(Some(FUEL));
        environment.set_auto_escape_callback(|_| minijinja::AutoEscape::None);
        environment.add_filter("time", |ms: i64| crate::alert::time(ms));
        for (name, source) in [("title", title), ("text", text)] {
            if let Some(source) = source {
                environment.add_template_owned(name, source)?;
            }
        }
        Ok(Template { environment })
    }

    /// Compiles the templates given and tries them on an example.
    ///
    /// # Errors
    /// One is no template, or fails.
    pub fn tried(title: Option<String>, text: Option<String>) -> Result<Template, TemplateError> {
        let template = Template::new(title, text)?;
        template.render(&Message::example())?;
        Ok(template)
    }

    /// The title, on one line, and the text; `None` where there is no template for it.
    ///
    /// # Errors
    /// A name that the message does not have, or too much work.
    pub fn render(
        &self,
        message: &Message,
    ) -> Result<(Option<String>, Option<String>), TemplateError> {
        let render = |name| match self.environment.get_template(name) {
            Ok(template) => template.render(message).map(Some),
            Err(_) => Ok(None),
        };
        let title = render("title")?.map(|title| {
            let words: Vec<&str> = title.split_whitespace().collect();
            words.join(" ")
        });
        Ok((title, render("text")?))
    }
}
