// SPDX-License-Identifier: Apache-2.0

// Command floor is the least that a migration of BackendTLSPolicy from v1alpha2 to v1alpha3 can cost: the writes, and
// nothing besides, over keep-alive connections. It also makes the state to start from and observes one object.
//
//	floor seed    --access FILE --objects N    N policies at v1alpha2, with owners and status
//	floor write   --access FILE --bundle DIR   delete them and the CRD, create the target's, create them again
//	floor in-place --access FILE --bundle DIR --bridge FILE   give each the other shape, and take the first away
//	floor observe --access FILE --object NS/NAME   until stdin ends: how long was it at neither version
//
// FILE is what `kubectl config view --raw --flatten --minify -o json` prints. Results are JSON on stdout.
package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"strings"
)

func main() {
	if len(os.Args) < 2 {
		fail(fmt.Errorf("want one of seed, write, in-place, observe"))
	}
	flags := flag.NewFlagSet(os.Args[1], flag.ExitOnError)
	access := flags.String("access", "", "kubeconfig as JSON")
	objects := flags.Int("objects", 100, "seed: how many policies")
	namespaces := flags.Int("namespaces", 10, "seed: over how many namespaces")
	bundle := flags.String("bundle", "", "write, in-place: directory of the target's CRDs")
	bridge := flags.String("bridge", "", "in-place: the CRD in a hold, as JSON")
	byPost := flags.Bool("post", false, "write: create by POST instead of by server-side apply")
	connections := flags.Int("connections", 16, "seed, write, in-place: keep-alive connections")
	name := flags.String("object", "", "observe: NAMESPACE/NAME")
	hz := flags.Int("hz", 200, "observe: reads per second and version")
	if err := flags.Parse(os.Args[2:]); err != nil {
		fail(err)
	}
	c, err := newClient(os.Args[1], *access, *connections)
	if err != nil {
		fail(err)
	}
	var result any
	switch os.Args[1] {
	case "seed":
		result, err = object{"objects": *objects}, seed(c, *objects, *namespaces, *connections)
	case "write":
		result, err = write(c, *bundle, *connections, *byPost)
	case "in-place":
		result, err = writeInPlace(c, *bundle, *bridge, *connections)
	case "observe":
		namespace, policy, _ := strings.Cut(*name, "/")
		result, err = observe(*access, namespace, policy, *hz)
	default:
		err = fmt.Errorf("%s is not one of seed, write, in-place, observe", os.Args[1])
	}
	if err != nil {
		fail(err)
	}
	if err := json.NewEncoder(os.Stdout).Encode(result); err != nil {
		fail(err)
	}
}

func fail(err error) {
	fmt.Fprintln(os.Stderr, "floor:", err)
	os.Exit(1)
}
