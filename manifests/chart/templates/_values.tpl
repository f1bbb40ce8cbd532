{{/* What values say of an object, after base and components. Each changes .object in place; .root is the chart. */}}

{{/* Of a pod template: .name of the image and the container's values. */}}
{{- define "polypod.pod" -}}
{{- $root := .root -}}
{{- $values := .values -}}
{{- $spec := .object.spec.template.spec -}}
{{- $container := first $spec.containers -}}
{{- $image := .root.Values.image -}}
{{- $_ := set $container "image" (printf "%s/%s:%s" $image.registry .image ($image.tag | default .root.Chart.AppVersion)) -}}
{{- $_ := set $container "imagePullPolicy" $image.pullPolicy -}}
{{- with $image.pullSecrets -}}
{{- $secrets := list -}}
{{- range . -}}{{- $secrets = append $secrets (dict "name" .) -}}{{- end -}}
{{- $_ := set $spec "imagePullSecrets" $secrets -}}
{{- end -}}
{{- with $values.resources -}}{{- $_ := set $container "resources" . -}}{{- end -}}
{{- with $values.args -}}{{- $_ := set $container "args" (concat $container.args .) -}}{{- end -}}
{{- $env := list -}}
{{- range $name, $value := $values.env -}}
{{- /* Numbers of files are float64 here, and 1000000 would be 1e+06. */ -}}
{{- if kindIs "float64" $value -}}{{- $value = int64 $value -}}{{- end -}}
{{- $env = append $env (dict "name" $name "value" (toString $value)) -}}
{{- end -}}
{{- if $env -}}
{{- if not $container.env -}}{{- $_ := set $container "env" list -}}{{- end -}}
{{- include "polypod.merge" (dict "into" $container "patch" (dict "env" $env)) -}}
{{- end -}}
{{- range $container.env -}}
{{- if eq .name "OTEL_EXPORTER_OTLP_ENDPOINT" -}}
{{- if not (hasKey ($values.env | default dict) .name) -}}{{- $_ := set . "value" $root.Values.traces.endpoint -}}{{- end -}}
{{- end -}}
{{- end -}}
{{- with $values.nodeSelector -}}{{- $_ := set $spec "nodeSelector" (merge (dict) . ($spec.nodeSelector | default dict)) -}}{{- end -}}
{{- with $values.affinity -}}{{- $_ := set $spec "affinity" . -}}{{- end -}}
{{- with $values.tolerations -}}{{- $_ := set $spec "tolerations" . -}}{{- end -}}
{{- end -}}

{{/* Where the webhook's pods are let out to a collector: of the NetworkPolicy. */}}
{{- define "polypod.collector" -}}
{{- $env := .root.Values.webhook.env | default dict -}}
{{- $endpoint := coalesce (get $env "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT") (get $env "OTEL_EXPORTER_OTLP_ENDPOINT") .root.Values.traces.endpoint -}}
{{- $port := regexFind "[0-9]+/?$" $endpoint | trimSuffix "/" | int -}}
{{- $egress := list (dict "ports" (list (dict "port" $port "protocol" "TCP"))) -}}
{{- $host := $endpoint | trimPrefix "http://" | regexFind "^[^:/]*" -}}
{{- if and (not (contains "$(" $host)) (not (hasPrefix "[" $host)) (regexMatch "[A-Za-z]" $host) -}}
{{- $egress = append $egress (dict "ports" (list (dict "port" 53 "protocol" "UDP") (dict "port" 53 "protocol" "TCP"))) -}}
{{- end -}}
{{- $_ := set .object.spec "egress" $egress -}}
{{- end -}}

{{/* Where the webhook's certificate is from, if it does not make it itself: of the Deployment. */}}
{{- define "polypod.certificate" -}}
{{- $spec := .object.spec.template.spec -}}
{{- $container := first $spec.containers -}}
{{- $args := list -}}
{{- range $container.args -}}
{{- $args = append $args (eq . "--cert-secret=polypod-webhook" | ternary "--cert-dir=/etc/polypod/tls" .) -}}
{{- end -}}
{{- $_ := set $container "args" $args -}}
{{- $mount := dict "name" "certificate" "mountPath" "/etc/polypod/tls" "readOnly" true -}}
{{- $volume := dict "name" "certificate" "secret" (dict "secretName" .secret) -}}
{{- include "polypod.merge" (dict "into" $container "patch" (dict "volumeMounts" (list $mount))) -}}
{{- include "polypod.merge" (dict "into" $spec "patch" (dict "volumes" (list $volume))) -}}
{{- end -}}

{{/* The policy: what base says, what the chosen ways of scheduling need, and over both what the operator says. */}}
{{- define "polypod.policy" -}}
{{- $scheduler := .root.Values.scheduler -}}
{{- $policy := index .object.data "admission.yaml" | fromYaml -}}
{{- if $scheduler.second.enabled -}}
{{- $_ := mergeOverwrite $policy (dict "scheduling" (dict "schedulerName" "polypod-scheduler")) -}}
{{- end -}}
{{- if $scheduler.gates -}}
{{- $_ := mergeOverwrite $policy (dict "scheduling" (dict "gates" (dict "enabled" true))) -}}
{{- end -}}
{{- $_ := mergeOverwrite $policy (deepCopy .root.Values.webhook.policy) -}}
{{- $_ := set .object.data "admission.yaml" (toYaml $policy) -}}
{{- end -}}

{{/* What comes after the condition selects-networks of the hook .name: other pods that it is to be asked about. */}}
{{- define "polypod.selects" -}}
{{- $webhook := .root.Values.webhook -}}
{{- $labels := $webhook.matchConditions.labels -}}
{{- range (dig "injection" "userDefined" list $webhook.policy) -}}
{{- if not (regexMatch "^[-A-Za-z0-9_./]+$" (.label | default "")) -}}{{- fail (printf "webhook.policy.injection.userDefined has no valid label: %v" .) -}}{{- end -}}
{{- $labels = append $labels .label -}}
{{- end -}}
{{- with uniq $labels -}}
{{- $each := list -}}
{{- range . -}}{{- $each = append $each (printf "'%s' in object.metadata.labels" .) -}}{{- end -}}
{{- printf " || (has(object.metadata.labels) && (%s))" (join " || " $each) -}}
{{- end -}}
{{- if eq .name "mutate.polypod.dev" -}}
{{- with $webhook.matchConditions.resourcePrefixes -}}
{{- $each := list -}}
{{- range . -}}{{- $each = append $each (printf "name.startsWith('%s')" .) -}}{{- end -}}
{{- $demands := printf "exists(c, has(c.resources) && has(c.resources.limits) && c.resources.limits.exists(name, %s))" (join " || " $each) -}}
{{- printf " || object.spec.containers.%s || (has(object.spec.initContainers) && object.spec.initContainers.%s)" $demands $demands -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{/* Of a configuration of hooks. */}}
{{- define "polypod.hooks" -}}
{{- $webhook := .root.Values.webhook -}}
{{- $excluded := append $webhook.excludedNamespaces .root.Values.namespace.name | uniq -}}
{{- $policies := dict "mutate.polypod.dev" $webhook.failurePolicy.mutatePods "validate.polypod.dev" $webhook.failurePolicy.validatePods "definitions.polypod.dev" $webhook.failurePolicy.validateDefinitions -}}
{{- range .object.webhooks -}}
{{- if eq $webhook.certificates.source "secret" -}}{{- $_ := set .clientConfig "caBundle" $webhook.certificates.caBundle -}}{{- end -}}
{{- $_ := set . "failurePolicy" (get $policies .name | required (printf "no failurePolicy is known of the hook %s" .name)) -}}
{{- $selects := include "polypod.selects" (dict "root" $.root "name" .name) -}}
{{- range .matchConditions -}}
{{- if eq .name "selects-networks" -}}{{- $_ := set . "expression" (printf "%s%s" .expression $selects) -}}{{- end -}}
{{- end -}}
{{- range (dig "namespaceSelector" "matchExpressions" list .) -}}
{{- if eq .key "kubernetes.io/metadata.name" -}}{{- $_ := set . "values" $excluded -}}{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}
