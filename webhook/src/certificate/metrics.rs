//! The certificate as Prometheus reads it, computed when it asks.

use std::{fmt, sync::Arc};

use prometheus_client::{
    collector::Collector,
    encoding::{DescriptorEncoder, EncodeMetric},
    metrics::{counter::ConstCounter, gauge::ConstGauge},
    registry::Unit,
};
use time::OffsetDateTime;

use super::status::Status;

/// Gauges and counters of the certificate.
#[derive(Debug)]
pub struct CertificateMetrics(pub Arc<Status>);

impl Collector for CertificateMetrics {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), fmt::Error> {
        let now = OffsetDateTime::now_utc();
        let expiry = ConstGauge::<i64>::new(0);
        let mut family = encoder.encode_descriptor(
            "tls_ca_expiry",
            "Time until a trusted CA expires, by its serial number",
            Some(&Unit::Seconds),
            expiry.metric_type(),
        )?;
        for (serial, not_after) in self.0.authorities() {
            let left = ConstGauge::new((not_after - now).whole_seconds());
            left.encode(family.encode_family(&[("serial", serial)])?)?;
        }
        let errors = ConstCounter::new(self.0.reload_errors());
        errors.encode(encoder.encode_descriptor(
            "tls_reload_errors",
            "New certificates that were not served because clients would have refused them, or because they were damaged",
            None,
            errors.metric_type(),
        )?)?;
        let leader = ConstGauge::new(i64::from(self.0.is_leader()));
        leader.encode(encoder.encode_descriptor(
            "tls_leader",
            "Whether this replica is the one that renews the certificates in the Secret",
            None,
            leader.metric_type(),
        )?)?;
        let misnamed = ConstGauge::new(i64::from(self.0.is_misnamed()));
        misnamed.encode(encoder.encode_descriptor(
            "tls_name_missing",
            "Whether the certificate in the Secret, which is served, lacks a name that this replica was given",
            None,
            misnamed.metric_type(),
        )?)?;
        if let Some(mismatch) = self.0.mismatch(now) {
            let mismatch = ConstGauge::new(i64::from(mismatch));
            mismatch.encode(encoder.encode_descriptor(
                "tls_ca_bundle_mismatch",
                "Whether the caBundle of a webhook configuration does not verify the certificate that is served",
                None,
                mismatch.metric_type(),
            )?)?;
        }
        Ok(())
    }
}
