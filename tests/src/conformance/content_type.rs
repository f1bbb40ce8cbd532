//! Row 66: how API servers, and those between, write the type of a body.

use super::{
    row::Row,
    webhook::{Hook, Webhook, review},
};

pub(super) fn content_type() {
    let webhook = Webhook::start(None);
    let row = Row::networks("66", "foo");
    let body = review(&row, &row.object, false).to_string();
    for (content_type, wanted) in [
        ("application/json", 200),
        ("application/json; charset=utf-8", 200),
        ("application/json;charset=UTF-8", 200),
        ("Application/JSON", 200),
        ("text/plain", 415),
        ("application/jsonp", 415),
    ] {
        let (status, text) = webhook.post_as(Hook::Mutate, content_type, &body);
        assert_eq!(status, wanted, "row 66: {content_type}: {text}");
    }
}
