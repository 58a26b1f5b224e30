// SPDX-License-Identifier: Apache-2.0

// Command etcd is upstream's etcd server, built from the module this directory pins.
package main

import (
	"os"

	"go.etcd.io/etcd/server/v3/etcdmain"
)

func main() {
	etcdmain.Main(os.Args)
}
