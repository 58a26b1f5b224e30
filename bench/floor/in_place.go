// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"slices"
	"strings"
	"time"
)

const (
	ours      = "gatelift" // the field manager of what is projected
	projected = "gatelift.dev/projected"
	jsonPatch = "application/json-patch+json"
)

// inPlaceTimings of one run, in seconds. What is computed between the steps belongs to none.
type inPlaceTimings struct {
	Objects   int     `json:"objects"`
	Total     float64 `json:"total"`
	OtherCRDs float64 `json:"otherCRDs"`
	Expand    float64 `json:"expand"`
	Project   float64 `json:"project"`
	ServeBoth float64 `json:"serveBoth"`
	Unserve   float64 `json:"unserve"`
	Contract  float64 `json:"contract"`
	Prove     float64 `json:"prove"`
	TargetCRD float64 `json:"targetCRD"`
	Requests  int64   `json:"requests"`
}

// inPlaceWriter makes each write from the answer to the one before.
type inPlaceWriter struct {
	writer
	bridge  object
	target  crdFile
	bodies  [][]byte // of the next pass
	answers [][]byte // of the last
}

// writeInPlace makes the writes of a conversion in place and no other. The file holds the CRD as gatelift leaves it in a
// hold, as JSON.
func writeInPlace(c *client, bundle, bridgeFile string, connections int) (inPlaceTimings, error) {
	target, others, err := readBundle(bundle)
	if err != nil {
		return inPlaceTimings{}, err
	}
	w := &inPlaceWriter{writer: writer{c: c, connections: connections}, target: target}
	if w.bridge, err = readBridge(bridgeFile); err != nil {
		return inPlaceTimings{}, err
	}
	if err := w.prepareProjection(); err != nil {
		return inPlaceTimings{}, err
	}
	if err := w.warm(); err != nil {
		return inPlaceTimings{}, err
	}
	result := inPlaceTimings{Objects: len(w.policies)}
	sentBefore := c.sent.Load()
	steps := []struct {
		took *float64
		step func() error
	}{
		{&result.OtherCRDs, func() error { return w.updateAll(others) }},
		{&result.Expand, w.expand},
		{&result.Project, func() error { return w.patchAll("v1alpha2", mergeBody) }},
		{nil, func() error { return w.prepare(contraction) }},
		{&result.ServeBoth, w.serveBoth},
		{&result.Unserve, w.unserve},
		{&result.Contract, func() error { return w.patchAll("v1alpha3", jsonPatch) }},
		{nil, func() error { return w.prepare(nothing) }},
		{&result.Prove, func() error { return w.patchAll("v1alpha3", mergeBody) }},
		{&result.TargetCRD, w.finish},
	}
	for _, s := range steps {
		began := time.Now()
		if err := s.step(); err != nil {
			return inPlaceTimings{}, err
		}
		if s.took != nil {
			*s.took = time.Since(began).Seconds()
			result.Total += *s.took
		}
	}
	result.Requests = c.sent.Load() - sentBefore
	return result, nil
}

// readBridge keeps what who applies a CRD writes.
func readBridge(path string) (object, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var live object
	if err := json.Unmarshal(text, &live); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	metadata := live["metadata"].(object)
	annotations := object{}
	for key, value := range metadata["annotations"].(object) {
		if strings.HasPrefix(key, group+"/") || key == "api-approved.kubernetes.io" {
			annotations[key] = value
		}
	}
	return object{
		"apiVersion": live["apiVersion"], "kind": live["kind"],
		"metadata": object{"name": metadata["name"], "annotations": annotations},
		"spec":     live["spec"],
	}, nil
}

// applyBridge writes it with these versions served, and this one stored.
func (w *inPlaceWriter) applyBridge(storage string, served ...string) error {
	for _, each := range w.bridge["spec"].(object)["versions"].([]any) {
		version := each.(object)
		name := version["name"].(string)
		version["served"], version["storage"] = slices.Contains(served, name), name == storage
	}
	_, err := w.applyCRD(crdFile{crdName, encode(w.bridge)})
	return err
}

// expand returns when the new shape is not pruned any more, which a dry run shows.
func (w *inPlaceWriter) expand() error {
	if err := w.applyBridge("v1alpha2", "v1alpha2"); err != nil || len(w.policies) == 0 {
		return err
	}
	path := w.pathOf(0, "v1alpha2") + "&dryRun=All"
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); time.Sleep(poll) {
		got, err := w.c.call("PATCH", path, mergeBody, w.bodies[0])
		if err != nil {
			return err
		}
		if got.code == http.StatusOK && bytes.Contains(got.body, []byte(`"targetRefs"`)) {
			return nil
		}
	}
	return fmt.Errorf("the bridge is not in effect after a minute")
}

func (w *inPlaceWriter) serveBoth() error {
	if err := w.applyBridge("v1alpha3", "v1alpha2", "v1alpha3"); err != nil {
		return err
	}
	return w.waitFor("/apis/"+group+"/v1alpha3/backendtlspolicies?limit=1", http.StatusOK)
}

func (w *inPlaceWriter) unserve() error {
	if err := w.applyBridge("v1alpha3", "v1alpha3"); err != nil {
		return err
	}
	return w.waitFor("/apis/"+group+"/v1alpha2/backendtlspolicies?limit=1", http.StatusNotFound)
}

func (w *inPlaceWriter) finish() error {
	pruned := encode(object{"status": object{"storedVersions": []any{"v1alpha3"}}})
	if _, err := w.c.want("PATCH", crds+"/"+crdName+"/status?fieldManager=kube-apiserver", mergeBody, pruned); err != nil {
		return err
	}
	_, err := w.applyCRD(w.target)
	return err
}

func (w *inPlaceWriter) pathOf(i int, version string) string {
	p := &w.policies[i]
	return policiesPath(version, p.namespace) + "/" + p.name + "?fieldManager=" + ours
}

func (w *inPlaceWriter) patchAll(version, contentType string) error {
	return each(len(w.policies), w.connections, func(i int) error {
		var err error
		w.answers[i], err = w.c.want("PATCH", w.pathOf(i, version), contentType, w.bodies[i])
		return err
	})
}

func (w *inPlaceWriter) prepareProjection() error {
	body, err := w.c.want("GET", "/apis/"+group+"/v1alpha2/backendtlspolicies", "", nil)
	if err != nil {
		return err
	}
	var list struct{ Items []object }
	if err := json.Unmarshal(body, &list); err != nil {
		return err
	}
	for _, item := range list.Items {
		metadata := item["metadata"].(object)
		w.policies = append(w.policies, policy{namespace: metadata["namespace"].(string), name: metadata["name"].(string)})
		w.bodies = append(w.bodies, encode(object{
			"metadata": object{
				"resourceVersion": metadata["resourceVersion"],
				// As long as gatelift's.
				"annotations": object{projected: "0123456789abcdef/0123456789abcdef"},
			},
			"spec": newPolicy(metadata, item["spec"].(object))["spec"],
		}))
	}
	w.answers = make([][]byte, len(w.bodies))
	return nil
}

func (w *inPlaceWriter) prepare(request func(metadata object) any) error {
	for i, answer := range w.answers {
		var live object
		if err := json.Unmarshal(answer, &live); err != nil {
			return err
		}
		w.bodies[i] = encode(request(live["metadata"].(object)))
	}
	return nil
}

func nothing(metadata object) any {
	return object{"metadata": object{"resourceVersion": metadata["resourceVersion"]}}
}

func contraction(metadata object) any {
	entries := []any{}
	for _, each := range metadata["managedFields"].([]any) {
		if entry := each.(object); entry["manager"] != ours {
			entries = append(entries, atNewVersion(entry))
		}
	}
	return []any{
		object{"op": "replace", "path": "/metadata/resourceVersion", "value": metadata["resourceVersion"]},
		object{"op": "replace", "path": "/metadata/managedFields", "value": entries},
		object{"op": "remove", "path": "/spec/targetRef"},
		object{"op": "remove", "path": "/spec/tls"},
		object{"op": "remove", "path": "/metadata/annotations/" + strings.ReplaceAll(projected, "/", "~1")},
	}
}

func atNewVersion(entry object) object {
	entry["apiVersion"] = group + "/v1alpha3"
	spec, there := entry["fieldsV1"].(object)["f:spec"].(object)
	if !there {
		return entry
	}
	if _, there := spec["f:targetRef"]; there {
		delete(spec, "f:targetRef")
		spec["f:targetRefs"] = object{}
	}
	if tls, there := spec["f:tls"].(object); there {
		delete(spec, "f:tls")
		validation := object{}
		for key, value := range tls {
			switch key {
			case "f:caCertRefs":
				key = "f:caCertificateRefs"
			case "f:wellKnownCACerts":
				key = "f:wellKnownCACertificates"
			}
			validation[key] = value
		}
		spec["f:validation"] = validation
	}
	return entry
}
