//! The HTTP library, set up for registries: time-outs, TLS, limits; one exchange, without redirects or authentication.

use std::time::Duration;

use ureq::http::{self, Method};
use ureq::tls::TlsConfig;
use ureq::{Agent, Body, SendBody};

use super::failure::{Failure, transport_failure};
use super::proxy::Prepared;
use super::request::Request;
use crate::error::Error;

/// How long a server may take to look up what is asked for.
const ANSWER: Duration = Duration::from_secs(60);
/// How long a server may take to swallow what was sent: some hash or copy a whole blob before they answer.
const SWALLOW: Duration = Duration::from_secs(600);

/// What sends requests. Shared by threads.
#[derive(Debug)]
pub(super) struct Transport {
    agent: Agent,
    proxies: Prepared,
    /// Plain HTTP and unknown certificates are allowed.
    pub insecure: bool,
}

impl Transport {
    pub fn new(tls: TlsConfig, insecure: bool, proxies: Prepared) -> Self {
        let agent = Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .max_redirects_will_error(false)
            .user_agent(concat!("coracle/", env!("CARGO_PKG_VERSION")))
            .timeout_resolve(Some(Duration::from_secs(20)))
            .timeout_connect(Some(Duration::from_secs(30)))
            .timeout_send_request(Some(Duration::from_secs(30)))
            .timeout_per_read(Some(Duration::from_secs(60)))
            .timeout_per_write(Some(Duration::from_secs(60)))
            .max_response_header_size(64 << 10)
            .max_idle_connections_per_host(8)
            .tls_config(tls)
            // Each request has its own.
            .proxy(None)
            .build()
            .new_agent();
        Transport { agent, proxies, insecure }
    }

    /// Sends a request once; any status is an answer.
    pub fn send(
        &self,
        request: &mut Request<'_>,
        authorization: Option<&str>,
    ) -> Result<http::Response<Body>, Failure> {
        let malformed = |e: http::Error| Failure::Final(Error::new(format!("request cannot be sent: {e}")));
        let patience = if request.method == Method::GET || request.method == Method::HEAD { ANSWER } else { SWALLOW };
        let mut builder = http::Request::builder().method(request.method.clone()).uri(request.url.as_str());
        for (name, value) in &request.headers {
            builder = builder.header(*name, value.as_str());
        }
        if let Some(value) = authorization {
            builder = builder.header("authorization", value);
        }
        let url = request.url.clone();
        let proxy = self.proxies.for_url(&url);
        let bodiless = matches!(request.method, Method::GET | Method::HEAD);
        let answer = if bodiless {
            let built = builder.body(()).map_err(malformed)?;
            self.agent
                .run(self.agent.configure_request(built).timeout_recv_response(Some(patience)).proxy(proxy).build())
        } else {
            let (mut body, length) = request.body();
            if let Some(length) = length {
                builder = builder.header("content-length", length);
            }
            let built = builder.body(SendBody::from_reader(&mut body)).map_err(malformed)?;
            self.agent
                .run(self.agent.configure_request(built).timeout_recv_response(Some(patience)).proxy(proxy).build())
        };
        answer.map_err(|e| transport_failure(&url, e))
    }
}
