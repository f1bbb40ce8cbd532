//! What can go wrong with certificates, said so that the person who supplied them can act.
//!
//! Sources that quote their input are never attached to an error about a private key:
//! a malformed key file would otherwise end up in the log.

use std::fmt;

use time::{Duration, OffsetDateTime};

/// A failure to make, read, check or serve a certificate.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A text is no DNS name and no IP address.
    #[error(
        "reading a server name: `{name}` is neither a DNS name nor an IP address; \
         give the bare name that clients call, without scheme, port, wildcard or trailing dot"
    )]
    InvalidName {
        /// The text that was given.
        name: String,
    },

    /// A text cannot be the name of a Service or of a Namespace.
    #[error(
        "naming the certificate of a Service: `{label}` is not a Service or Namespace name; \
         use 1 to 63 lower case letters, digits and inner hyphens, without dots"
    )]
    InvalidServiceLabel {
        /// The text that was given.
        label: String,
    },

    /// A list of server names is empty.
    #[error(
        "naming a server certificate: no name was given; \
         give at least the DNS name or IP address that clients call"
    )]
    NoNames,

    /// A CA's common name is empty or longer than X.509 allows.
    #[error("naming a CA: `{name}` cannot be a common name; use 1 to 64 characters")]
    InvalidCommonName {
        /// The text that was given.
        name: String,
    },

    /// A certificate cannot be valid for the wanted time.
    #[error(
        "dating a certificate: it cannot be valid for {life} from {now}; \
         choose a life of at least one second that ends before the year 10000"
    )]
    InvalidLife {
        /// When the certificate was to begin.
        now: OffsetDateTime,
        /// How long it was to be valid.
        life: Duration,
    },

    /// Lives and waiting times do not fit together.
    #[error(
        "scheduling renewals: a CA for {authority_life}, a server certificate for {leaf_life} and a propagation delay \
         of {propagation} do not fit together; a server certificate lives at least 3 seconds and no longer than the \
         CA, the CA no longer than 100 years, and the delay is at most a twelfth of the CA's life"
    )]
    InvalidSchedule {
        /// How long a CA was to live.
        authority_life: Duration,
        /// How long a server certificate was to live.
        leaf_life: Duration,
        /// How long a step was to wait for the one before.
        propagation: Duration,
    },

    /// A certificate is wanted where there is none.
    #[error(
        "reading the certificates: a part of them is missing or damaged; they are made again, or give all of them"
    )]
    Incomplete,

    /// A validity ends before, or when, it begins.
    #[error(
        "reading a certificate's validity: it begins {not_before} and ends {not_after}; \
         replace the certificate, no moment lies in between"
    )]
    EmptyValidity {
        /// The claimed beginning.
        not_before: OffsetDateTime,
        /// The claimed end.
        not_after: OffsetDateTime,
    },

    /// No key could be generated.
    #[error("generating a private key; check that the system's random source works")]
    GenerateKey(#[source] rcgen::Error),

    /// A CA certificate could not be written or signed.
    #[error("signing the certificate of the CA `{name}`")]
    SignAuthority {
        /// The CA's common name.
        name: String,
        /// What rcgen reported.
        #[source]
        source: rcgen::Error,
    },

    /// A server certificate could not be written or signed.
    #[error("signing a server certificate for {names}")]
    SignLeaf {
        /// The names it was to carry.
        names: String,
        /// What rcgen reported.
        #[source]
        source: rcgen::Error,
    },

    /// A text that should hold PEM certificates holds none.
    #[error("reading the {part}: no `BEGIN CERTIFICATE` section; give it as PEM")]
    NoCertificate {
        /// Which text.
        part: Part,
    },

    /// A PEM section is damaged.
    #[error("reading certificate {position} of the {part}: the PEM is damaged; copy it again")]
    DamagedPem {
        /// Which text.
        part: Part,
        /// Which certificate in it, counted from 1.
        position: usize,
        /// What the PEM reader reported.
        #[source]
        source: rustls_pki_types::pem::Error,
    },

    /// A PEM section holds no X.509 certificate.
    #[error("reading the {part}: a section is PEM but not an X.509 certificate; issue it again")]
    NotX509 {
        /// Which text.
        part: Part,
        /// What the X.509 parser reported.
        #[source]
        source: x509_parser::error::X509Error,
    },

    /// A certificate is X.509, but not one that rustls can use.
    #[error("reading the {part}: rustls cannot use a certificate in it; issue it again")]
    UnusableCertificate {
        /// Which text.
        part: Part,
        /// What rustls reported.
        #[source]
        source: rustls::Error,
    },

    /// A text that should hold a private key holds none.
    #[error(
        "reading the {part}: no private key found; give it as unencrypted PEM \
         (`PRIVATE KEY`, `RSA PRIVATE KEY` or `EC PRIVATE KEY`)"
    )]
    NoPrivateKey {
        /// Which text.
        part: Part,
    },

    /// A server's private key is of a kind that cannot be served.
    #[error(
        "loading the {part}: the kind of key is not supported; \
         use RSA of 2048 to 4096 bits, ECDSA P-256 or P-384, or Ed25519"
    )]
    UnsupportedKey {
        /// Which text.
        part: Part,
        /// What rustls reported.
        #[source]
        source: rustls::Error,
    },

    /// A CA's private key cannot be used for signing.
    #[error(
        "loading the {part}: it cannot sign; use ECDSA P-256 or P-384, Ed25519, \
         or RSA of 2048 to 4096 bits, as PKCS#8 (`openssl pkcs8 -topk8 -nocrypt` converts)",
        part = Part::AuthorityKey
    )]
    UnsupportedAuthorityKey,

    /// A private key belongs to another certificate.
    #[error(
        "pairing the {key} with the {certificate}: the key belongs to another certificate; \
         give the two that were issued together, the server's own certificate first"
    )]
    KeyMismatch {
        /// The text with the key.
        key: Part,
        /// The text with the certificate.
        certificate: Part,
    },

    /// A certificate that should issue others may not.
    #[error(
        "loading the {part}: the certificate of this key is not a CA's; \
         use one with `CA:TRUE` and the key usage `Certificate Sign`",
        part = Part::AuthorityCertificate
    )]
    NotAuthority,

    /// A certificate is used before it begins or after it ends.
    #[error(
        "checking the {part}: it is valid from {not_before} to {not_after} and now is {now}; \
         renew it, or set this machine's clock"
    )]
    OutsideValidity {
        /// Which certificate.
        part: Part,
        /// The moment of the check.
        now: OffsetDateTime,
        /// When it begins to be valid.
        not_before: OffsetDateTime,
        /// When it ends to be valid.
        not_after: OffsetDateTime,
    },

    /// No certificate of a CA bundle is valid now.
    #[error(
        "checking the {part}: none of its certificates is valid at {now}; \
         renew the CA, or set this machine's clock",
        part = Part::AuthorityCertificate
    )]
    NoValidAuthority {
        /// The moment of the check.
        now: OffsetDateTime,
    },

    /// A server certificate does not lead to a trusted CA.
    #[error(
        "verifying the {part}: clients that trust this CA bundle would refuse it; \
         issue it from one of these CAs, without `CA:TRUE`, for servers, and with every intermediate certificate; \
         one that signed itself must be among them byte for byte",
        part = Part::Chain
    )]
    Untrusted(#[source] rustls::Error),

    /// A server certificate is not for a name under which it would be served.
    #[error(
        "verifying the {part}: it is not valid for `{name}`; issue it with that name as a SAN",
        part = Part::Chain
    )]
    WrongName {
        /// The name that is missing.
        name: String,
        /// What rustls reported.
        #[source]
        source: rustls::Error,
    },

    /// A client's certificate does not lead to a CA of clients.
    #[error(
        "verifying the client's certificate: it must be for clients, and of one of the CAs whose clients are trusted"
    )]
    UntrustedClient(#[source] rustls::Error),

    /// The crypto provider and the TLS versions do not fit together.
    #[error("configuring TLS 1.2 and 1.3 with the built-in crypto provider")]
    TlsVersions(#[source] rustls::Error),
}

/// The text an error is about, named as the keys of a Kubernetes TLS Secret name it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Part {
    /// `ca.crt`: the certificates of the CAs that are trusted.
    AuthorityCertificate,
    /// `ca.key`: the private key of the CA that issues.
    AuthorityKey,
    /// `tls.crt`: the server certificate and its intermediates.
    Chain,
    /// `tls.key`: the private key of the server certificate.
    Key,
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::AuthorityCertificate => "CA certificate (ca.crt)",
            Self::AuthorityKey => "CA private key (ca.key)",
            Self::Chain => "server certificate (tls.crt)",
            Self::Key => "server private key (tls.key)",
        })
    }
}
