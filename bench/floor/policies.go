// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

const (
	group   = "gateway.networking.k8s.io"
	crdName = "backendtlspolicies." + group
	crds    = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
	// Who applied the policies, and who wrote their status.
	applier = "argocd-controller"
	prober  = "envoy"
)

type object = map[string]any

// policy is one object as it was found, and the two requests that bring it back at v1alpha3.
type policy struct {
	namespace, name, uid, resourceVersion string
	create, status                        []byte
}

func policiesPath(version, namespace string) string {
	return fmt.Sprintf("/apis/%s/%s/namespaces/%s/backendtlspolicies", group, version, namespace)
}

func namespaceName(i int) string { return fmt.Sprintf("team-%02d", i) }

// seed makes n policies at v1alpha2: applied by one manager, with a status written by another.
func seed(c *client, n, namespaces, connections int) error {
	for i := range namespaces {
		name := namespaceName(i)
		body := encode(object{"apiVersion": "v1", "kind": "Namespace", "metadata": object{"name": name}})
		if _, err := c.want("PATCH", "/api/v1/namespaces/"+name+"?fieldManager="+applier, applyBody, body); err != nil {
			return err
		}
	}
	return each(n, connections, func(i int) error {
		namespace, name := namespaceName(i%namespaces), fmt.Sprintf("policy-%05d", i)
		path := policiesPath("v1alpha2", namespace) + "/" + name
		if _, err := c.want("PATCH", path+"?fieldManager="+applier, applyBody, encode(oldPolicy(namespace, name, i))); err != nil {
			return err
		}
		_, err := c.want("PATCH", path+"/status?fieldManager="+prober, mergeBody, encode(object{"status": statusOf(i)}))
		return err
	})
}

func oldPolicy(namespace, name string, i int) object {
	tls := object{"hostname": fmt.Sprintf("svc-%05d.example.com", i)}
	if i%2 == 0 {
		tls["caCertRefs"] = []any{object{"group": "", "kind": "ConfigMap", "name": fmt.Sprintf("ca-%d", i%7)}}
	} else {
		tls["wellKnownCACerts"] = "System"
	}
	return object{
		"apiVersion": group + "/v1alpha2", "kind": "BackendTLSPolicy",
		"metadata": object{
			"name": name, "namespace": namespace,
			"labels":      object{"app.kubernetes.io/part-of": "shop", "app.kubernetes.io/instance": name},
			"annotations": object{"argocd.argoproj.io/tracking-id": "shop:" + group + "/BackendTLSPolicy:" + namespace + "/" + name},
		},
		"spec": object{
			"targetRef": object{"group": "", "kind": "Service", "name": fmt.Sprintf("svc-%05d", i)},
			"tls":       tls,
		},
	}
}

func statusOf(i int) object {
	return object{"ancestors": []any{object{
		"ancestorRef": object{
			"group": group, "kind": "Gateway", "name": "edge", "namespace": namespaceName(0),
		},
		"controllerName": "gateway.envoyproxy.io/gatewayclass-controller",
		"conditions": []any{object{
			"type": "Accepted", "status": "True", "reason": "Accepted", "message": "BackendTLSPolicy is Accepted.",
			"lastTransitionTime": "2025-01-01T00:00:00Z", "observedGeneration": 1,
		}},
	}}}
}

// found lists the policies at v1alpha2 and prepares their return.
func found(c *client) ([]policy, error) {
	body, err := c.want("GET", "/apis/"+group+"/v1alpha2/backendtlspolicies", "", nil)
	if err != nil {
		return nil, err
	}
	var list struct{ Items []object }
	if err := json.Unmarshal(body, &list); err != nil {
		return nil, err
	}
	policies := make([]policy, 0, len(list.Items))
	for _, item := range list.Items {
		metadata := item["metadata"].(object)
		p := policy{
			namespace: metadata["namespace"].(string), name: metadata["name"].(string),
			uid: metadata["uid"].(string), resourceVersion: metadata["resourceVersion"].(string),
		}
		p.create = encode(newPolicy(metadata, item["spec"].(object)))
		p.status = encode(object{"status": item["status"]})
		policies = append(policies, p)
	}
	return policies, nil
}

func newPolicy(metadata, old object) object {
	target, tls := old["targetRef"].(object), old["tls"].(object)
	validation := object{"hostname": tls["hostname"]}
	for from, to := range map[string]string{
		"caCertRefs": "caCertificateRefs", "wellKnownCACerts": "wellKnownCACertificates",
	} {
		if value, there := tls[from]; there {
			validation[to] = value
		}
	}
	kept := object{}
	for _, key := range []string{"name", "namespace", "labels", "annotations"} {
		kept[key] = metadata[key]
	}
	return object{
		"apiVersion": group + "/v1alpha3", "kind": "BackendTLSPolicy", "metadata": kept,
		"spec": object{"targetRefs": []any{target}, "validation": validation},
	}
}

// crdFile is one CRD of a bundle, as released.
type crdFile struct {
	name string
	yaml []byte
}

// readBundle takes a CRD's name from its file's, GROUP_PLURAL.yaml, as the released bundles are laid out.
func readBundle(dir string) (target crdFile, others []crdFile, err error) {
	paths, err := filepath.Glob(filepath.Join(dir, "*_*.yaml"))
	if err != nil {
		return target, nil, err
	}
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			return target, nil, err
		}
		of, plural, _ := strings.Cut(strings.TrimSuffix(filepath.Base(path), ".yaml"), "_")
		file := crdFile{plural + "." + of, text}
		if file.name == crdName {
			target = file
		} else {
			others = append(others, file)
		}
	}
	if target.name == "" {
		return target, nil, fmt.Errorf("%s holds no %s", dir, crdName)
	}
	return target, others, nil
}

func encode(value any) []byte {
	text, err := json.Marshal(value)
	if err != nil {
		panic(err) // maps of strings
	}
	return text
}
