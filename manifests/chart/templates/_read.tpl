{{/*
The objects are those of manifests/base, read from its own files, so that there is one text of each. What kustomize does with
them is done here by values: a kustomization names files and folders, a component has patches.
*/}}

{{/*
Reads every object that the kustomization of a folder names or generates, and appends it to .into.objects. The namespace is written in their
text in one way, wherever it stands.
*/}}
{{- define "polypod.read" -}}
{{- $call := . -}}
{{- $kustomization := include "polypod.kustomization" (dict "root" .root "folder" .folder) | fromYaml -}}
{{- range $kustomization.resources -}}
{{- $path := clean (printf "%s/%s" $call.folder .) -}}
{{- if hasSuffix ".yaml" $path -}}
{{- range (include "polypod.documents" (dict "root" $call.root "path" $path) | fromJsonArray) -}}
{{- $object := . -}}
{{- $known := dict -}}
{{- range $call.into.objects -}}
{{- if and (eq .kind $object.kind) (eq .metadata.name $object.metadata.name) (eq (.metadata.namespace | default "") ($object.metadata.namespace | default "")) -}}
{{- $_ := set $known "it" true -}}
{{- end -}}
{{- end -}}
{{- if not $known.it -}}
{{- $_ := set $call.into "objects" (append $call.into.objects $object) -}}
{{- end -}}
{{- end -}}
{{- else -}}
{{- include "polypod.read" (dict "root" $call.root "folder" $path "into" $call.into) -}}
{{- end -}}
{{- end -}}
{{- range $kustomization.configMapGenerator -}}
{{- $data := dict -}}
{{- range .files -}}
{{- $text := $call.root.Files.Get (printf "%s/%s" $call.folder .) -}}
{{- if not $text -}}{{- fail (printf "the chart has no %s/%s" $call.folder .) -}}{{- end -}}
{{- $_ := set $data . (replace "polypod-system" $call.root.Values.namespace.name $text) -}}
{{- end -}}
{{- $metadata := dict "name" .name "namespace" $call.root.Values.namespace.name "labels" .options.labels -}}
{{- $_ := set $call.into "objects" (append $call.into.objects (dict "apiVersion" "v1" "kind" "ConfigMap" "metadata" $metadata "data" $data)) -}}
{{- end -}}
{{- end -}}

{{- define "polypod.kustomization" -}}
{{- $path := printf "%s/kustomization.yaml" .folder -}}
{{- $text := .root.Files.Get $path -}}
{{- if not $text -}}{{- fail (printf "the chart has no %s" $path) -}}{{- end -}}
{{- $text -}}
{{- end -}}

{{/* The documents of a file, as a JSON array. */}}
{{- define "polypod.documents" -}}
{{- $documents := list -}}
{{- $text := .root.Files.Get .path -}}
{{- if not $text -}}{{- fail (printf "the chart has no %s" .path) -}}{{- end -}}
{{- $text = replace "polypod-system" .root.Values.namespace.name $text -}}
{{- range (regexSplit "(?m)^---$" $text -1) -}}
{{- $object := fromYaml . -}}
{{- if $object.Error -}}{{- fail (printf "%s: %s" $.path $object.Error) -}}{{- end -}}
{{- if $object.kind -}}
{{- $documents = append $documents $object -}}
{{- end -}}
{{- end -}}
{{- toJson $documents -}}
{{- end -}}

{{/*
Applies a component of manifests/components: adds its objects, and merges its patches into those that are there. Patches by
pointer are left to the caller.
*/}}
{{- define "polypod.component" -}}
{{- $call := . -}}
{{- $folder := printf "files/components/%s" .name -}}
{{- $kustomization := include "polypod.kustomization" (dict "root" .root "folder" $folder) | fromYaml -}}
{{- range $kustomization.components -}}
{{- include "polypod.component" (dict "root" $call.root "name" (base .) "into" $call.into) -}}
{{- end -}}
{{- include "polypod.read" (dict "root" .root "folder" $folder "into" .into) -}}
{{- range $kustomization.patches -}}
{{- if and .path (not .target) -}}
{{- range (include "polypod.documents" (dict "root" $call.root "path" (printf "%s/%s" $folder .path)) | fromJsonArray) -}}
{{- $patch := . -}}
{{- $met := dict -}}
{{- $left := list -}}
{{- range $call.into.objects -}}
{{- if and (eq .kind $patch.kind) (eq .metadata.name $patch.metadata.name) -}}
{{- $_ := set $met "it" true -}}
{{- if ne (get $patch "$patch" | default "") "delete" -}}
{{- include "polypod.merge" (dict "into" . "patch" $patch) -}}
{{- $left = append $left . -}}
{{- end -}}
{{- else -}}
{{- $left = append $left . -}}
{{- end -}}
{{- end -}}
{{- $_ := set $call.into "objects" $left -}}
{{- if and (not $met.it) (ne $patch.kind "Namespace") -}}
{{- fail (printf "the component %s patches a %s %s that is not there" $call.name $patch.kind $patch.metadata.name) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{/*
A strategic merge: null removes a key, and of the lists that have a merge key in the API an element with the same key is merged,
or removed by $patch: delete. Other lists are replaced.
*/}}
{{- define "polypod.merge" -}}
{{- $into := .into -}}
{{- $keys := dict "containers" "name" "env" "name" "volumes" "name" "volumeMounts" "mountPath" "ports" "containerPort" -}}
{{- range $key, $value := .patch -}}
{{- $old := get $into $key -}}
{{- if kindIs "invalid" $value -}}
{{- $_ := unset $into $key -}}
{{- else if and (kindIs "map" $value) (kindIs "map" $old) -}}
{{- include "polypod.merge" (dict "into" $old "patch" $value) -}}
{{- else if and (kindIs "slice" $value) (hasKey $keys $key) (kindIs "slice" $old) -}}
{{- $by := get $keys $key -}}
{{- $list := list -}}
{{- range $element := $old -}}
{{- $patched := dict -}}
{{- range $value -}}
{{- if eq (toString (get . $by)) (toString (get $element $by)) -}}
{{- $_ := set $patched "by" . -}}
{{- end -}}
{{- end -}}
{{- if not $patched.by -}}
{{- $list = append $list $element -}}
{{- else if ne (get $patched.by "$patch" | default "") "delete" -}}
{{- include "polypod.merge" (dict "into" $element "patch" $patched.by) -}}
{{- $list = append $list $element -}}
{{- end -}}
{{- end -}}
{{- range $element := $value -}}
{{- $known := dict -}}
{{- range $old -}}
{{- if eq (toString (get . $by)) (toString (get $element $by)) -}}{{- $_ := set $known "it" true -}}{{- end -}}
{{- end -}}
{{- if not (or $known.it (hasKey $element "$patch")) -}}
{{- $list = append $list $element -}}
{{- end -}}
{{- end -}}
{{- $_ := set $into $key $list -}}
{{- else -}}
{{- $_ := set $into $key $value -}}
{{- end -}}
{{- end -}}
{{- end -}}
