// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"maps"

	clusterv3 "github.com/envoyproxy/go-control-plane/envoy/config/cluster/v3"
	corev3 "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	discoveryv3 "github.com/envoyproxy/go-control-plane/envoy/service/discovery/v3"
	"google.golang.org/grpc"
)

const clusterType = "type.googleapis.com/envoy.config.cluster.v3.Cluster"

// speech is how a proxy speaks to the endpoints of a cluster.
type speech string

const (
	speaksTLS   speech = "TLS"
	speaksPlain speech = "PLAINTEXT"
)

// subscribe reads one stream of incremental, aggregated discovery to its end. As a proxy that has just started it
// says of no cluster that it has it already, so the first answer has all of them.
func subscribe(ctx context.Context, connection grpc.ClientConnInterface, o options, tell func(report)) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	service := discoveryv3.NewAggregatedDiscoveryServiceClient(connection)
	stream, err := service.DeltaAggregatedResources(ctx, grpc.WaitForReady(true))
	if err != nil {
		return err
	}
	node := &corev3.Node{Id: o.node, Cluster: o.cluster}
	if err := stream.Send(&discoveryv3.DeltaDiscoveryRequest{Node: node, TypeUrl: clusterType}); err != nil {
		return err
	}
	tell(report{What: "connected"})
	known := map[string]speech{}
	for {
		answer, err := stream.Recv()
		if err != nil {
			return err
		}
		if err := apply(known, answer); err != nil {
			return err
		}
		tell(report{What: "answer", Version: answer.SystemVersionInfo, Clusters: maps.Clone(known)})
		taken := &discoveryv3.DeltaDiscoveryRequest{TypeUrl: clusterType, ResponseNonce: answer.Nonce}
		if err := stream.Send(taken); err != nil {
			return err
		}
	}
}

// apply brings what is known up to date with an answer, which has only what changed.
func apply(known map[string]speech, answer *discoveryv3.DeltaDiscoveryResponse) error {
	for _, name := range answer.RemovedResources {
		delete(known, name)
	}
	for _, resource := range answer.Resources {
		var cluster clusterv3.Cluster
		if err := resource.Resource.UnmarshalTo(&cluster); err != nil {
			return err
		}
		known[resource.Name] = speechOf(&cluster)
	}
	return nil
}

// speechOf looks at the cluster's own socket and at those that it has for single destinations. It is right for clusters
// with one destination, such as that of a route with one backend: another could be without a match of its own.
func speechOf(cluster *clusterv3.Cluster) speech {
	if isTLS(cluster.TransportSocket) {
		return speaksTLS
	}
	if len(cluster.TransportSocketMatches) == 0 {
		return speaksPlain
	}
	for _, match := range cluster.TransportSocketMatches {
		if !isTLS(match.TransportSocket) {
			return speaksPlain
		}
	}
	return speaksTLS
}

func isTLS(socket *corev3.TransportSocket) bool {
	return socket.GetName() == "envoy.transport_sockets.tls"
}
