//! The most pods that can be run, by trying every node for every pod.

use super::{kubelet::Kubelet, pod::SimPod, random::Random};

/// How many of `pods`, which come in this order, the kubelets of `nodes` can run at most. For machines whose kubelets leave
/// nothing to chance.
pub(crate) fn most(nodes: &[Kubelet], pods: &[SimPod]) -> usize {
    let mut best = 0;
    search(nodes.to_vec(), pods, 0, &mut best);
    best
}

fn search(nodes: Vec<Kubelet>, pods: &[SimPod], placed: usize, best: &mut usize) {
    *best = (*best).max(placed);
    let Some((pod, rest)) = pods.split_first() else {
        return;
    };
    if placed + pods.len() <= *best {
        return;
    }
    for at in 0..nodes.len() {
        let mut node = nodes[at].clone();
        if node.admit(pod, &mut Random::new(0)).is_ok() {
            let mut next = nodes.clone();
            next[at] = node;
            search(next, rest, placed + 1, best);
        }
    }
    search(nodes, rest, placed, best);
}
