//! An explanation on a terminal.

use std::fmt::{self, Display, Formatter};

use super::{
    Change, Container, Explanation, Free, HeldBy, NodeExplained, Reported, Score, Verdict,
    demanded::Quantities,
};
use crate::{extender::MAX_SCORE, words::Name};

/// Names of others, without what a terminal would take for more than text.
fn plain(text: &str) -> Name<'_> {
    Name(text, usize::MAX)
}

/// Things with something between them.
struct Joined<'a, T>(&'a [T], &'a str);

impl<T: Display> Display for Joined<'_, T> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        for (at, one) in self.0.iter().enumerate() {
            let before = if at == 0 { "" } else { self.1 };
            write!(f, "{before}{one}")?;
        }
        Ok(())
    }
}

/// `cpu 4, intel.com/sriov 2`.
struct Written<'a>(&'a Quantities);

impl Display for Written<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        for (at, (name, amount)) in self.0.iter().enumerate() {
            let before = if at == 0 { "" } else { ", " };
            write!(f, "{before}{} {amount}", plain(name))?;
        }
        Ok(())
    }
}

/// ` in zone 0`, ` in zones 0+1`, or nothing.
struct InZones<'a>(&'a [u32]);

impl Display for InZones<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self.0 {
            [] => Ok(()),
            [zone] => write!(f, " in zone {zone}"),
            zones => write!(f, " in zones {}", Joined(zones, "+")),
        }
    }
}

impl Display for Explanation {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let pod = &self.pod;
        let (namespace, name) = (plain(&pod.namespace), plain(&pod.name));
        write!(f, "pod {namespace}/{name} ({}): ", pod.qos)?;
        match (&self.bound_to, &self.best) {
            (Some(node), _) => writeln!(f, "bound to {}", plain(node))?,
            (None, Some(node)) => writeln!(f, "{} would be the best", plain(node))?,
            (None, None) => writeln!(f, "no node is for it")?,
        }
        for container in &pod.containers {
            writeln!(f, "  {container}")?;
        }
        if let Some(spread) = pod.spread {
            writeln!(
                f,
                "  its devices of one resource are to be spread by {spread}"
            )?;
        }
        write!(f, "{} of {} nodes fit", self.fitting, self.nodes)?;
        for (at, (word, count)) in self.refused.iter().enumerate() {
            let before = if at == 0 { "; refused: " } else { ", " };
            write!(f, "{before}{count} {}", in_words(word))?;
        }
        writeln!(f)?;
        for node in &self.details {
            write!(f, "\n{node}")?;
        }
        if self.omitted > 0 {
            writeln!(
                f,
                "\n{} more nodes are not shown; --node NODE shows one of them",
                self.omitted
            )?;
        }
        Ok(())
    }
}

/// What a kind of refusal ([`crate::placement::Refusal::as_str`]) says of a node.
fn in_words(refusal: &str) -> &str {
    match refusal {
        "unknownNode" => "not known",
        "noReport" => "without an inventory",
        "stale" => "with an old inventory",
        "faulty" => "with a contradictory inventory",
        "noSuchResource" => "without the resource",
        "short" => "with too little left",
        "container" | "pod" => "where it cannot be aligned",
        "spread" => "where it cannot be spread",
        "linkDown" => "without a link",
        "setAside" => "set aside",
        other => other,
    }
}

impl Display for Container {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let kind = match self.role {
            "init" => "init container",
            "sidecar" => "sidecar",
            _ => "container",
        };
        write!(f, "{kind} {}:", plain(&self.name))?;
        if self.aligned.is_empty() {
            f.write_str(" nothing to align")?;
        } else {
            write!(f, " {} to align", Written(&self.aligned))?;
        }
        if self.other.is_empty() {
            return Ok(());
        }
        write!(f, "; {} beside", Written(&self.other))
    }
}

impl Display for NodeExplained {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ", plain(&self.name))?;
        match (self.verdict, &self.score, &self.reason) {
            (Verdict::Here, ..) => writeln!(f, "the pod is here")?,
            (Verdict::Fits, Some(score), _) => writeln!(f, "fits, score {score}")?,
            (Verdict::Refused, _, Some(reason)) => writeln!(f, "{reason}")?,
            (Verdict::Fits, None, _) => writeln!(f, "fits")?,
            (Verdict::Refused, _, None) => writeln!(f, "refused")?,
        }
        if let (Some(policy), Some(scope), Some(report)) = (self.policy, self.scope, &self.report) {
            writeln!(f, "  kubelet: {policy}, {scope} scope; {report}")?;
        }
        for fault in self.report.iter().flat_map(|report| &report.faults) {
            writeln!(f, "  fault of the report: {}", plain(fault))?;
        }
        if self.is_fuzzy {
            writeln!(
                f,
                "  the zones of some of its pods are guessed: more may be free than is said"
            )?;
        }
        for placed in &self.placement {
            let container = plain(&placed.container);
            if !placed.zones.is_empty() {
                writeln!(f, "  container {container}{}", InZones(&placed.zones))?;
            }
        }
        for free in &self.free {
            writeln!(f, "  free: {free}")?;
        }
        for held in self.here.iter().chain(&self.held_by) {
            writeln!(f, "  {held}")?;
        }
        if self.held_by_more > 0 {
            writeln!(f, "  and {} more pods", self.held_by_more)?;
        }
        for (at, Change { words, .. }) in self.changes.iter().enumerate() {
            let before = if at == 0 {
                "would have to change"
            } else {
                "or"
            };
            writeln!(f, "  {before}: {}", plain(words))?;
        }
        Ok(())
    }
}

impl Display for Score {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "{} of {MAX_SCORE}", self.value)?;
        for (at, part) in self.parts.iter().enumerate() {
            let before = if at == 0 { " (" } else { ", " };
            let (units, tenths) = (part.share / 10, part.share % 10);
            write!(
                f,
                "{before}{} {units}.{tenths}% of {}",
                part.name, part.weight
            )?;
        }
        f.write_str(")")?;
        if self.is_last {
            f.write_str(", last because too little is known")?;
        }
        if !self.is_certain {
            f.write_str(", halved because the kubelet has a choice")?;
        }
        if self.tentative > 0 {
            write!(
                f,
                ", {} less for pods that may be on their way",
                self.tentative
            )?;
        }
        Ok(())
    }
}

impl Display for Free {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let resource = plain(&self.resource);
        write!(f, "{} of {} {resource}", self.free, self.allocatable)?;
        for (at, cell) in self.by_zones.iter().enumerate() {
            let before = if at == 0 { ":" } else { "," };
            let zones = InZones(&cell.zones);
            write!(f, "{before} {} of {}{zones}", cell.free, cell.allocatable)?;
        }
        Ok(())
    }
}

impl Display for HeldBy {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let (namespace, name) = (plain(&self.namespace), plain(&self.name));
        let state = match self.state {
            "assumed" => "will have",
            "confirmed" => "has",
            "gone" => "is gone and still has",
            _ => "had",
        };
        write!(f, "{namespace}/{name} {state}")?;
        for (at, held) in self.held.iter().enumerate() {
            let before = if at == 0 { "" } else { "," };
            let (resource, zones) = (plain(&held.resource), InZones(&held.zones));
            write!(f, "{before} {} {resource}{zones}", held.amount)?;
            if let Some(function) = &held.function {
                write!(f, " behind {}", plain(function))?;
            }
        }
        if self.is_certain {
            Ok(())
        } else {
            f.write_str(", perhaps elsewhere")
        }
    }
}

impl Display for Reported {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(self.source)?;
        if let (Some(epoch), Some(sequence)) = (self.epoch, self.sequence) {
            write!(f, " {epoch}/{sequence}")?;
        }
        write!(f, ", {}s old", self.age_seconds)?;
        if self.is_stale {
            f.write_str(", too old")
        } else {
            Ok(())
        }
    }
}
