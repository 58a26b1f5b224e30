// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"
)

// poll is how long to wait between two looks at a CRD that comes or goes.
const poll = 5 * time.Millisecond

// timings of one run, in seconds from the first write unless they say otherwise.
type timings struct {
	Objects   int     `json:"objects"`
	Total     float64 `json:"total"`
	OtherCRDs float64 `json:"otherCRDs"`
	Deletes   float64 `json:"deletes"`
	CRDGone   float64 `json:"crdGone"`
	CRDServed float64 `json:"crdServed"`
	Creates   float64 `json:"creates"`
	Statuses  float64 `json:"statuses"`
	// From the answer to each object's deletion to the answer to its creation.
	AbsenceMedian float64 `json:"absenceMedian"`
	AbsenceMax    float64 `json:"absenceMax"`
	// From the first deletion to the last creation.
	Window   float64 `json:"window"`
	Requests int64   `json:"requests"`
}

type writer struct {
	c           *client
	connections int
	byPost      bool
	policies    []policy
	gone, back  []time.Time
}

// write makes the writes of the migration and no other: it reads beforehand, converts beforehand, and looks back at nothing.
func write(c *client, bundle string, connections int, byPost bool) (timings, error) {
	target, others, err := readBundle(bundle)
	if err != nil {
		return timings{}, err
	}
	policies, err := found(c)
	if err != nil {
		return timings{}, err
	}
	w := &writer{c: c, connections: connections, byPost: byPost, policies: policies,
		gone: make([]time.Time, len(policies)), back: make([]time.Time, len(policies))}
	if err := w.warm(); err != nil {
		return timings{}, err
	}
	result := timings{Objects: len(policies)}
	sentBefore := c.sent.Load()
	start := time.Now()
	steps := []struct {
		took *float64
		step func() error
	}{
		{&result.OtherCRDs, func() error { return w.updateAll(others) }},
		{&result.Deletes, w.deletePolicies},
		{&result.CRDGone, w.deleteCRD},
		{&result.CRDServed, func() error { return w.createCRD(target) }},
		{&result.Creates, w.createPolicies},
		{&result.Statuses, w.writeStatuses},
	}
	for _, s := range steps {
		began := time.Now()
		if err := s.step(); err != nil {
			return timings{}, err
		}
		*s.took = time.Since(began).Seconds()
	}
	result.Total = time.Since(start).Seconds()
	result.Requests = c.sent.Load() - sentBefore
	w.absences(&result)
	return result, nil
}

// warm opens the connections.
func (w *writer) warm() error {
	return each(w.connections, w.connections, func(int) error {
		_, err := w.c.want("GET", crds+"/"+crdName, "", nil)
		return err
	})
}

// updateAll leaves no version in status.storedVersions but the one that objects are stored at now. (There are no objects
// of these kinds.)
func (w *writer) updateAll(files []crdFile) error {
	return each(len(files), w.connections, func(i int) error {
		body, err := w.applyCRD(files[i])
		if err != nil {
			return err
		}
		var live struct {
			Spec struct {
				Versions []struct {
					Name    string
					Storage bool
				}
			}
			Status struct{ StoredVersions []string }
		}
		if err := json.Unmarshal(body, &live); err != nil {
			return err
		}
		for _, version := range live.Spec.Versions {
			if version.Storage && len(live.Status.StoredVersions) > 1 {
				pruned := encode(object{"status": object{"storedVersions": []any{version.Name}}})
				_, err = w.c.want("PATCH", crds+"/"+files[i].name+"/status", mergeBody, pruned)
			}
		}
		return err
	})
}

func (w *writer) applyCRD(file crdFile) ([]byte, error) {
	return w.c.want("PATCH", crds+"/"+file.name+"?fieldManager=kubectl&force=true", applyBody, file.yaml)
}

func preconditions(uid, resourceVersion string) []byte {
	return encode(object{
		"apiVersion": "v1", "kind": "DeleteOptions",
		"preconditions": object{"uid": uid, "resourceVersion": resourceVersion},
	})
}

func (w *writer) deletePolicies() error {
	return each(len(w.policies), w.connections, func(i int) error {
		p := &w.policies[i]
		path := policiesPath("v1alpha2", p.namespace) + "/" + p.name
		_, err := w.c.want("DELETE", path, jsonBody, preconditions(p.uid, p.resourceVersion))
		w.gone[i] = time.Now()
		return err
	})
}

func (w *writer) deleteCRD() error {
	body, err := w.c.want("GET", crds+"/"+crdName, "", nil)
	if err != nil {
		return err
	}
	var live struct {
		Metadata struct{ UID, ResourceVersion string }
	}
	if err := json.Unmarshal(body, &live); err != nil {
		return err
	}
	lock := preconditions(live.Metadata.UID, live.Metadata.ResourceVersion)
	if _, err := w.c.want("DELETE", crds+"/"+crdName, jsonBody, lock); err != nil {
		return err
	}
	return w.waitFor(crds+"/"+crdName, http.StatusNotFound)
}

// createCRD returns when a list of its objects is answered.
func (w *writer) createCRD(target crdFile) error {
	if _, err := w.applyCRD(target); err != nil {
		return err
	}
	for {
		body, err := w.c.want("GET", crds+"/"+crdName, "", nil)
		if err != nil {
			return err
		}
		if strings.Contains(string(body), `"reason":"InitialNamesAccepted"`) {
			return w.waitFor("/apis/"+group+"/v1alpha3/backendtlspolicies?limit=1", http.StatusOK)
		}
		time.Sleep(poll)
	}
}

func (w *writer) waitFor(path string, code int) error {
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); time.Sleep(poll) {
		got, _, err := w.c.once("GET", path, "", nil)
		if err != nil {
			return err
		}
		if got.code == code {
			return nil
		}
	}
	return fmt.Errorf("GET %s: no %d within a minute", path, code)
}

func (w *writer) createPolicies() error {
	return each(len(w.policies), w.connections, func(i int) error {
		p := &w.policies[i]
		collection := policiesPath("v1alpha3", p.namespace)
		var err error
		if w.byPost {
			_, err = w.c.want("POST", collection+"?fieldManager="+applier, jsonBody, p.create)
		} else {
			_, err = w.c.want("PATCH", collection+"/"+p.name+"?fieldManager="+applier, applyBody, p.create)
		}
		w.back[i] = time.Now()
		return err
	})
}

// writeStatuses comes after all creations: what is absent comes first.
func (w *writer) writeStatuses() error {
	return each(len(w.policies), w.connections, func(i int) error {
		p := &w.policies[i]
		path := policiesPath("v1alpha3", p.namespace) + "/" + p.name + "/status?fieldManager=" + prober
		_, err := w.c.want("PATCH", path, mergeBody, p.status)
		return err
	})
}

func (w *writer) absences(result *timings) {
	if len(w.policies) == 0 {
		return
	}
	absent := make([]float64, len(w.policies))
	for i := range absent {
		absent[i] = w.back[i].Sub(w.gone[i]).Seconds()
	}
	slices.Sort(absent)
	result.AbsenceMedian = absent[len(absent)/2]
	result.AbsenceMax = absent[len(absent)-1]
	first, last := slices.MinFunc(w.gone, time.Time.Compare), slices.MaxFunc(w.back, time.Time.Compare)
	result.Window = last.Sub(first).Seconds()
}
