// SPDX-License-Identifier: Apache-2.0

package main

import (
	"maps"
	"testing"

	clusterv3 "github.com/envoyproxy/go-control-plane/envoy/config/cluster/v3"
	corev3 "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	discoveryv3 "github.com/envoyproxy/go-control-plane/envoy/service/discovery/v3"
	"google.golang.org/protobuf/types/known/anypb"
)

func socket(name string) *corev3.TransportSocket {
	return &corev3.TransportSocket{Name: "envoy.transport_sockets." + name}
}

func matches(names ...string) []*clusterv3.Cluster_TransportSocketMatch {
	var found []*clusterv3.Cluster_TransportSocketMatch
	for _, name := range names {
		found = append(found, &clusterv3.Cluster_TransportSocketMatch{TransportSocket: socket(name)})
	}
	return found
}

func TestOnlyATLSSocketIsTLS(t *testing.T) {
	for name, c := range map[string]struct {
		cluster *clusterv3.Cluster
		want    speech
	}{
		"no socket":                  {&clusterv3.Cluster{}, speaksPlain},
		"a socket of its own":        {&clusterv3.Cluster{TransportSocket: socket("tls")}, speaksTLS},
		"a raw socket":               {&clusterv3.Cluster{TransportSocket: socket("raw_buffer")}, speaksPlain},
		"a socket for a destination": {&clusterv3.Cluster{TransportSocketMatches: matches("tls")}, speaksTLS},
		"one of two is raw":          {&clusterv3.Cluster{TransportSocketMatches: matches("tls", "raw_buffer")}, speaksPlain},
	} {
		if got := speechOf(c.cluster); got != c.want {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
	}
}

func resource(t *testing.T, cluster *clusterv3.Cluster) *discoveryv3.Resource {
	t.Helper()
	packed, err := anypb.New(cluster)
	if err != nil {
		t.Fatal(err)
	}
	return &discoveryv3.Resource{Name: cluster.Name, Resource: packed}
}

func TestAnAnswerHasOnlyWhatChanged(t *testing.T) {
	known := map[string]speech{"kept": speaksTLS, "changed": speaksTLS, "gone": speaksTLS}
	answer := &discoveryv3.DeltaDiscoveryResponse{
		Resources:        []*discoveryv3.Resource{resource(t, &clusterv3.Cluster{Name: "changed"})},
		RemovedResources: []string{"gone"},
	}
	if err := apply(known, answer); err != nil {
		t.Fatal(err)
	}
	if want := map[string]speech{"kept": speaksTLS, "changed": speaksPlain}; !maps.Equal(known, want) {
		t.Errorf("known are %v, want %v", known, want)
	}
}
