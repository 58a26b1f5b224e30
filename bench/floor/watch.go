// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"io"
	"net/http"
	"os"
	"slices"
	"sync"
	"time"
)

// sighting says how long one object could be read at neither version.
type sighting struct {
	Samples int `json:"samples"`
	Misses  int `json:"misses"`
	// Misses at one version while the latest answer of the other was a miss as well.
	Neither int `json:"neither"`
	// From the last answer that held the object to the first one that held it again; 0 where no answer was without it.
	Absence float64 `json:"absence"`
	// The longest time between two samples of one version, which is how wrong Absence can be.
	LongestStep float64 `json:"longestStep"`
}

// shapes is what a client of each version acts on.
var shapes = map[string][]byte{"v1alpha2": []byte(`"targetRef":`), "v1alpha3": []byte(`"targetRefs":`)}

type sample struct {
	asked, answered time.Time
	there           bool
}

// observe reads one object at both versions until stdin ends.
func observe(path string, namespace, name string, hz int) (sighting, error) {
	stop := make(chan struct{})
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		close(stop)
	}()
	versions := []string{"v1alpha2", "v1alpha3"}
	seen := make([][]sample, len(versions))
	failed := make([]error, len(versions))
	var group sync.WaitGroup
	for i, version := range versions {
		c, err := newClient("observe", path, 1)
		if err != nil {
			return sighting{}, err
		}
		group.Go(func() {
			seen[i], failed[i] = sampleUntil(stop, c, policiesPath(version, namespace)+"/"+name, shapes[version], hz)
		})
	}
	group.Wait()
	for _, err := range failed {
		if err != nil {
			return sighting{}, err
		}
	}
	return judge(seen), nil
}

// sampleUntil takes an object without its shape for one that is not there.
func sampleUntil(stop <-chan struct{}, c *client, path string, shape []byte, hz int) ([]sample, error) {
	var samples []sample
	tick := time.NewTicker(time.Second / time.Duration(hz))
	defer tick.Stop()
	for {
		select {
		case <-stop:
			return samples, nil
		case <-tick.C:
		}
		asked := time.Now()
		got, _, err := c.once("GET", path, "", nil)
		if err != nil {
			return nil, err
		}
		whole := got.code == http.StatusOK && bytes.Contains(got.body, shape)
		samples = append(samples, sample{asked, time.Now(), whole})
	}
}

// judge takes an object for present from the first to the last answer of a version that held it, which is right for
// one that leaves at one version and comes back at another.
func judge(seen [][]sample) sighting {
	var result sighting
	var lastSeen, seenAgain time.Time // at the old version, at the new one
	for version, samples := range seen {
		for i, s := range samples {
			result.Samples++
			if !s.there {
				result.Misses++
			}
			if i > 0 {
				result.LongestStep = max(result.LongestStep, s.asked.Sub(samples[i-1].asked).Seconds())
			}
			switch {
			case s.there && version == 0:
				lastSeen = s.answered
			case s.there && seenAgain.IsZero():
				seenAgain = s.answered
			}
		}
	}
	if !lastSeen.IsZero() && !seenAgain.IsZero() {
		result.Absence = max(0, seenAgain.Sub(lastSeen).Seconds())
	}
	result.Neither = neither(seen)
	return result
}

func neither(seen [][]sample) int {
	type answer struct {
		sample
		version int
	}
	var all []answer
	for version, samples := range seen {
		for _, s := range samples {
			all = append(all, answer{s, version})
		}
	}
	slices.SortFunc(all, func(a, b answer) int { return a.answered.Compare(b.answered) })
	there, count := slices.Repeat([]bool{true}, len(seen)), 0 // until the first answer
	for _, a := range all {
		there[a.version] = a.there
		if !slices.Contains(there, true) {
			count++
		}
	}
	return count
}
