//! A file from a plain web server: what `import` of a URL reads.

use std::io::Read;
use std::time::Duration;

use ureq::Agent;

use super::{tls, url};
use crate::error::{Error, Result};

/// Whether an argument is a URL and not a path.
pub fn is_url(text: &str) -> bool {
    let text = text.to_ascii_lowercase();
    text.starts_with("http://") || text.starts_with("https://")
}

/// Opens an http or https URL. Redirects are followed.
pub fn open(address: &str) -> Result<Box<dyn Read + Send>> {
    let Some(origin) = url::origin(address) else {
        crate::bail!("`{}` is not a valid URL", address.escape_debug());
    };
    let failed = |cause: String| Error::new(cause).wrap(format!("downloading `{address}`"));
    // Loading the system's certificates takes a while, and plain HTTP may well be on a machine that has none.
    let tls = tls::config(&origin.authority, true, None, None);
    let mut config = Agent::config_builder()
        .http_status_as_error(false)
        .max_redirects(10)
        .user_agent(concat!("coracle/", env!("CARGO_PKG_VERSION")))
        .timeout_resolve(Some(Duration::from_secs(20)))
        .timeout_connect(Some(Duration::from_secs(30)))
        .timeout_recv_response(Some(Duration::from_secs(60)))
        .timeout_per_read(Some(Duration::from_secs(60)));
    match tls {
        // What was asked for by HTTPS does not come by plain HTTP after a redirect.
        Ok(tls) => config = config.tls_config(tls).https_only(origin.scheme == "https"),
        Err(e) if origin.scheme == "https" => return Err(e),
        Err(_) => {}
    }
    let response = config.build().new_agent().get(address).call().map_err(|e| match e {
        ureq::Error::Io(e) => failed(crate::error::os_message(&e)),
        e => failed(e.to_string()),
    })?;
    let status = response.status();
    if !status.is_success() {
        return Err(failed(format!("the server answers with status {}", status.as_u16())));
    }
    Ok(Box::new(response.into_body().into_reader()))
}
