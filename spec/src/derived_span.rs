//! The spans below a span, told by where they are: whoever knows the one and the place knows the id, and need not be told it.

use crate::TraceContext;

/// 2⁶⁴ by the golden ratio, odd: its multiples are all different, and far apart.
const STEP: u64 = 0x9e37_79b9_7f4a_7c15;

impl TraceContext {
    /// The `stage`-th stage of this span, from 0 on.
    #[must_use]
    pub fn of_stage(&self, stage: usize) -> Self {
        self.derived(0, stage)
    }

    /// The `attachment`-th attachment of this span of an ADD, from 0 on.
    #[must_use]
    pub fn of_attachment(&self, attachment: usize) -> Self {
        self.derived(attachment.saturating_add(1), usize::MAX)
    }

    /// The `plugin`-th plugin of the chain of the `attachment`-th attachment of this span of an ADD, both from 0 on.
    #[must_use]
    pub fn of_delegate(&self, attachment: usize, plugin: usize) -> Self {
        self.derived(attachment.saturating_add(1), plugin)
    }

    /// The context whose id is of this place: of the same trace, and recorded as this one is.
    fn derived(&self, high: usize, low: usize) -> Self {
        // What the type holds is hexadecimal.
        let own = u64::from_str_radix(self.parent_id(), 16).unwrap_or_default();
        let half = |place: usize| u64::from(u32::try_from(place).unwrap_or(u32::MAX));
        let place = (half(high) << 32 | half(low)).wrapping_add(1);
        let mut seed = own.wrapping_add(STEP.wrapping_mul(place));
        // One of three is neither.
        while [0, own].contains(&mixed(seed)) {
            seed = seed.wrapping_add(1);
        }
        let flags = u8::from(self.is_sampled());
        let text = format!("00-{}-{:016x}-{flags:02x}", self.trace_id(), mixed(seed));
        Self::try_from(text).expect("ids that are not zero make a traceparent")
    }
}

/// Another number for each number, which looks like chance: the last step of `SplitMix64` (Steele, Lea and Flood, 2014).
const fn mixed(seed: u64) -> u64 {
    let seed = (seed ^ (seed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let seed = (seed ^ (seed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    seed ^ (seed >> 31)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";

    fn context(id: u64) -> TraceContext {
        format!("00-{TRACE}-{id:016x}-01").parse().unwrap()
    }

    /// The same in every release: the plugin of one and the agent of another come to the same ids.
    #[test]
    fn known_ones() {
        let add = context(0xb7ad_6b71_6920_3331);
        let ids = [
            add.of_stage(0),
            add.of_attachment(0),
            add.of_delegate(0, 0),
            add.of_delegate(1, 2),
        ];
        insta::assert_snapshot!(ids.map(String::from).join("\n"), @"
        00-0af7651916cd43dd8448eb211c80319c-67677f6679a9df73-01
        00-0af7651916cd43dd8448eb211c80319c-decda38e0a0977a2-01
        00-0af7651916cd43dd8448eb211c80319c-3289034eadb8199b-01
        00-0af7651916cd43dd8448eb211c80319c-4aebc829a61e6514-01
        ");
        let later: TraceContext = add.as_str().replace("00-0af", "cc-0af").parse().unwrap();
        assert_eq!(later.of_stage(0), add.of_stage(0));
        let not: TraceContext = add.as_str().replace("-01", "-00").parse().unwrap();
        assert!(!not.of_stage(0).is_sampled());
    }

    #[test]
    fn neither_zero_nor_the_span_itself() {
        // Seeds that would give zero, whose only seed is zero.
        for place in 1..4_u64 {
            let own = 0_u64.wrapping_sub(STEP.wrapping_mul(place));
            let add = context(own);
            let stage = usize::try_from(place - 1).unwrap();
            assert_ne!(add.of_stage(stage).parent_id(), "0000000000000000");
        }
    }

    proptest! {
        #[test]
        fn no_two_are_alike(id in 1..=u64::MAX, attachments in 0..40_usize, plugins in 0..8_usize) {
            let add = context(id);
            let mut all = vec![add.clone()];
            all.extend((0..8).map(|stage| add.of_stage(stage)));
            for attachment in 0..attachments {
                all.push(add.of_attachment(attachment));
                all.extend((0..plugins).map(|plugin| add.of_delegate(attachment, plugin)));
            }
            let ids: BTreeSet<&str> = all.iter().map(TraceContext::parent_id).collect();
            prop_assert_eq!(ids.len(), all.len());
            prop_assert!(!ids.contains("0000000000000000"));
            prop_assert!(all.iter().all(|one| one.trace_id() == TRACE && one.is_sampled()));
        }

        #[test]
        fn no_place_panics(id in 1..=u64::MAX, attachment: usize, plugin: usize) {
            let add = context(id);
            prop_assert_eq!(add.of_delegate(attachment, plugin), add.of_delegate(attachment, plugin));
            prop_assert!(add.of_attachment(attachment) != add);
        }
    }
}
