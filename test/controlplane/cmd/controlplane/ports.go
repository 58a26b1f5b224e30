// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
)

// Ports come from below the kernel's default ephemeral range (32768 and up): an outgoing connection
// never takes one while its server is down, so a killed kube-apiserver can return on the same port.
const (
	firstPort = 20000
	lastPort  = 29999
)

// reservation keeps a port from every other launcher of this machine while its process lives. The lock is
// an abstract socket, which the kernel drops with the process: nothing stale can remain.
type reservation struct {
	port int
	lock net.Listener
}

func reservePort() (reservation, error) {
	for range 200 {
		port := firstPort + rand.IntN(lastPort-firstPort+1)
		lock, err := net.Listen("unix", fmt.Sprintf("@gatelift-controlplane-port-%d", port))
		if err != nil {
			continue
		}
		if portIsFree(port) {
			return reservation{port, lock}, nil
		}
		lock.Close()
	}
	return reservation{}, errors.New("no free port found on the loopback interface")
}

func portIsFree(port int) bool {
	listener, err := net.Listen("tcp", fmt.Sprintf("0.0.0.0:%d", port))
	if err != nil {
		return false
	}
	listener.Close()
	return true
}
