//! DEL: from the record alone, in reverse, everything attempted.

use spec::cni::{Invocation, NetworkConf};

use crate::{
    chain,
    delegate::Executor,
    error::Error,
    lock::Lock,
    net_conf::DelConf,
    record::{Attachment, Record},
    record_store::RecordStore,
};

/// Takes the sandbox's attachments away. A sandbox without a record has none: that is success, as the specification
/// wants it.
///
/// # Errors
/// A delegate failed, or the record cannot be read. The record is kept with what is left.
pub fn del(conf: &DelConf, invocation: &Invocation) -> Result<(), Error> {
    let store = RecordStore::new(&conf.cni_dir);
    if !store.is_there() {
        return Ok(());
    }
    let _lock = Lock::take(&store, &invocation.container_id, conf.delegate_timeout)?;
    let Some(record) = store.load(&invocation.container_id)? else {
        return store.remove(&invocation.container_id);
    };
    // The namespace is the runtime's word alone: the path that was right at ADD may be another pod's by now.
    let mut executor = Executor::new(invocation, &conf.bin_dir, conf.delegate_timeout);
    executor.path.extend(record.path.iter().cloned());
    detach(&executor, &store, record)
}

/// Takes away what `record` says, last attachment first.
///
/// # Errors
/// Everything that failed; the record on disk then holds just that.
pub fn detach(executor: &Executor, store: &RecordStore, mut record: Record) -> Result<(), Error> {
    let mut left = Vec::new();
    let mut errors = Vec::new();
    while let Some(attachment) = record.attachments.pop() {
        if let Err(error) = detach_one(executor, &attachment) {
            errors.push(error);
            left.push(attachment);
        }
    }
    if errors.is_empty() {
        return store.remove(&record.container_id);
    }
    left.reverse();
    record.attachments = left;
    errors.extend(store.save(&record).err());
    Err(Error::Several(errors))
}

fn detach_one(executor: &Executor, attachment: &Attachment) -> Result<(), Error> {
    let conf = NetworkConf::parse(&attachment.conf).map_err(|problem| Error::DelegateConf {
        network: attachment.name.clone(),
        problem,
    })?;
    chain::del(executor, &conf, attachment)
}
