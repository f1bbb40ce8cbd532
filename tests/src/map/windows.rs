//! Windows of many sizes: nothing is cut, and nothing lies on anything else.

use super::{seen, story};

const SIZES: [(u32, u32); 4] = [(800, 600), (1000, 600), (1180, 800), (1920, 1080)];

/// What is cut, what lies on what is above it, and what stands out of the window sideways. Names of nodes and of what is wrong
/// with them may end in dots in their tiles; what scrolls may scroll.
const WRONG: &str = r"(() => {
  const wrong = [];
  const name = (one) => `${one.id || one.className || one.tagName} (${one.textContent.slice(0, 30)})`;
  const parts = [...document.body.children].filter((one) => one.offsetParent !== null && !one.matches('.skip'));
  parts.forEach((one, at) => {
    const box = one.getBoundingClientRect();
    if (box.right > innerWidth + 1) wrong.push(`${name(one)} is wider than the window`);
    if (at > 0 && box.top < parts[at - 1].getBoundingClientRect().bottom - 1) wrong.push(`${name(one)} lies on ${name(parts[at - 1])}`);
  });
  if (document.documentElement.scrollWidth > innerWidth) wrong.push('the page scrolls sideways');
  const isCut = (one) => one.scrollWidth > one.clientWidth + 1 || (!one.closest('#detail') && one.scrollHeight > one.clientHeight + 1);
  for (const one of document.querySelectorAll('header, #summary, .card, .card *, #controls, #controls label, #found, #hits, #hits *, footer, footer *, .tile, .tile .bar, #detail *')) {
    if (one.offsetParent !== null && getComputedStyle(one).display !== 'inline' && isCut(one)) wrong.push(`${name(one)} is cut`);
  }
  return wrong;
})()";

pub(super) fn nothing_is_cut() {
    let mut shown = seen::shown(&story::cluster());
    let browser = &mut shown.browser;
    for scheme in ["light", "dark"] {
        browser.prefer(scheme);
        for state in ["whole", "node", "path", "search"] {
            match state {
                "node" => seen::click(browser, "[data-node='train-1']"),
                "path" => seen::click(browser, ".pod"),
                "search" => {
                    seen::click(browser, "#close");
                    seen::search(browser, "ml");
                }
                _ => {}
            }
            for (width, height) in SIZES {
                browser.size(width, height);
                browser.drawn();
                let wrong = browser.value(WRONG);
                let none = wrong.as_array().is_some_and(Vec::is_empty);
                assert!(none, "{state}, {scheme}, {width}×{height}: {wrong:#}");
            }
        }
        seen::click(browser, "#clear");
    }
    shown.ends_well();
}
