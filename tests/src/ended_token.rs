//! A node whose agent is away, and whose API server does not take the token that the agent left. What stands in for the API
//! server is a resolver that says so; `cluster/credentials/resolver.rs` has a real one.

use serde_json::{Value, json};
use spec::{
    bridge::{Failure, Reply, encode},
    cni::code,
};

use crate::{
    fixture::{
        binaries,
        bridge::{network, pod, write_objects},
        delegates,
        needs::SCRIPTS,
        node::Node,
        runtime::{Sandbox, conf},
    },
    scenario::Scenario,
};

pub(crate) fn scenarios() -> Vec<Scenario> {
    let scenario = |name, body| Scenario {
        name,
        needs: SCRIPTS,
        body,
    };
    vec![
        scenario(
            "ended_token::another_token_is_waited_for",
            another_token_is_waited_for,
        ),
        scenario("ended_token::nobody_renews_it", nobody_renews_it),
    ]
}

/// A resolver that is refused as long as the kubeconfig is the first one; it renews that itself where `renewing`.
fn resolver(node: &Node, renewing: bool) -> Value {
    delegates::install(node, "probe", delegates::PROBE);
    let probe = json!({"cniVersion": "1.0.0", "type": "probe"});
    write_objects(node, &[network("a", None, &probe), pod("p1", "a")]);
    let refused = Reply::Failure(Failure {
        code: code::NOT_AUTHENTICATED,
        message: "the API server answered 401: Unauthorized".to_owned(),
    });
    std::fs::write(node.path("refused"), encode(&refused).unwrap()).unwrap();
    std::fs::write(node.path("kubeconfig"), "ended").unwrap();
    let path = |name: &str| node.path(name).display().to_string();
    let renew = if renewing {
        format!(
            "echo renewed > '{0}.next'; mv '{0}.next' '{0}'",
            path("kubeconfig")
        )
    } else {
        ":".to_owned()
    };
    let script = format!(
        "echo once >> '{}'\nif grep -q ended \"$3\"; then cat > /dev/null; cat '{}'; {renew}; exit 0; fi\n\
         exec '{}' resolve --objects '{}' --publish-to '{}'\n",
        path("executed"),
        path("refused"),
        binaries::path("polypod-device-bridge").display(),
        path("objects.yaml"),
        path("status"),
    );
    delegates::install(node, "resolver", &script);
    json!({"kubeconfig": path("kubeconfig"), "resolver": path("bin/resolver"), "bridgeSocket": path("no.sock"),
        "delegates": [probe]})
}

fn another_token_is_waited_for() {
    Node::run(|node| {
        let conf = conf(node, &resolver(node, true));
        let sandbox = Sandbox::new(node, "p1");
        sandbox.add(&conf);
        let executed = std::fs::read_to_string(node.path("executed")).unwrap();
        assert!(executed.lines().count() >= 2, "{executed}");
        assert!(node.path("status/default_p1.json").exists());
        sandbox.del(&conf);
        assert_eq!(node.files("state"), [].into());
    });
}

fn nobody_renews_it() {
    Node::run(|node| {
        let mut more = resolver(node, false);
        more["bridgeTimeout"] = json!(1);
        let (code, message) = Sandbox::new(node, "p1").fail("ADD", &conf(node, &more));
        assert_eq!(code, 11, "{message}");
        for word in ["401", "bridgeTimeout", "look whether polypod-device-bridge"] {
            assert!(message.contains(word), "{message}");
        }
        assert_eq!(node.files("state"), [].into());
    });
}
