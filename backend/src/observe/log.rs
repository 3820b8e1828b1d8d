//! The log, and where it is asked for the traces: both are made from the same spans.

use anyhow::{Context, Result};
use opentelemetry::trace::TracerProvider as _;
use opentelemetry_otlp::{Protocol, SpanExporter, WithExportConfig};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::SdkTracerProvider;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Layer};

use crate::config::LogConfig;

/// Sends off what was not sent yet when it is told to end.
pub struct Traces(Option<SdkTracerProvider>);

impl Traces {
    pub fn end(self) {
        if let Some(Err(error)) = self.0.map(|provider| provider.shutdown()) {
            tracing::warn!(%error, "the last traces were not sent");
        }
    }
}

/// Starts to log to stderr, and to send traces where the configuration names a receiver.
pub fn start(config: &LogConfig) -> Result<Traces> {
    // The client that sends traces needs a provider of TLS; another part may have brought it already.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let provider = config.traces.as_deref().map(provider).transpose()?;
    let traces = provider.as_ref().map(|provider| {
        // What the sender itself does must not become traces again.
        let own = EnvFilter::new("info,hyper=off,reqwest=off,opentelemetry=off");
        tracing_opentelemetry::layer().with_tracer(provider.tracer("lilac")).with_filter(own)
    });
    let log = tracing_subscriber::fmt::layer().with_writer(std::io::stderr);
    let log = if config.json {
        log.json().flatten_event(true).boxed()
    } else {
        log.with_ansi(std::io::IsTerminal::is_terminal(&std::io::stderr())).boxed()
    };
    let log = log.with_filter(EnvFilter::new(&config.filter));
    tracing_subscriber::registry().with(traces).with(log).try_init().context("a log was started already")?;
    Ok(Traces(provider))
}

/// Spans go in batches, from a thread of their own; a receiver that is away costs the traces and nothing else.
fn provider(endpoint: &str) -> Result<SdkTracerProvider> {
    let exporter = SpanExporter::builder()
        .with_http()
        .with_protocol(Protocol::HttpBinary)
        .with_endpoint(format!("{}/v1/traces", endpoint.trim_end_matches('/')))
        .build()
        .context("cannot send traces to OTEL_EXPORTER_OTLP_ENDPOINT")?;
    let resource = Resource::builder_empty()
        .with_service_name("lilac_server")
        .with_attribute(opentelemetry::KeyValue::new("service.version", env!("CARGO_PKG_VERSION")))
        .build();
    Ok(SdkTracerProvider::builder().with_batch_exporter(exporter).with_resource(resource).build())
}
