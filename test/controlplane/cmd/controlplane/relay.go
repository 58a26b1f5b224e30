// SPDX-License-Identifier: Apache-2.0

package main

import (
	"io"
	"net"
	"os"
	"strings"
	"time"
)

// relay stands between API servers and etcd, and holds back what etcd says for as long as a file asks:
// an API server behind it hears of every change that much later, as one that is busy or far away does.
type relay struct {
	listener  net.Listener
	target    string
	delayFile string
}

// startRelay forwards connections to target until it is closed. delayFile holds a Go duration, and is
// read anew for each piece; without it nothing is held back.
func startRelay(target, delayFile string) (*relay, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	r := &relay{listener: listener, target: target, delayFile: delayFile}
	go r.accept()
	return r, nil
}

func (r *relay) address() string { return r.listener.Addr().String() }

func (r *relay) close() { r.listener.Close() }

func (r *relay) accept() {
	for {
		client, err := r.listener.Accept()
		if err != nil {
			return
		}
		server, err := net.Dial("tcp", r.target)
		if err != nil {
			client.Close()
			continue
		}
		go func() {
			io.Copy(server, client)
			server.Close()
		}()
		go r.answer(client, server)
	}
}

// piece is something that etcd said, and when it may be heard.
type piece struct {
	bytes []byte
	due   time.Time
}

// answer reads ahead while it holds back, so that a delay does not become a lower throughput.
func (r *relay) answer(client, server net.Conn) {
	pieces := make(chan piece, 4096)
	go func() {
		defer close(pieces)
		for {
			buffer := make([]byte, 64<<10)
			n, err := server.Read(buffer)
			if n > 0 {
				pieces <- piece{buffer[:n], time.Now().Add(r.delay())}
			}
			if err != nil {
				return
			}
		}
	}()
	defer client.Close()
	for p := range pieces {
		time.Sleep(time.Until(p.due))
		if _, err := client.Write(p.bytes); err != nil {
			server.Close()
		}
	}
}

func (r *relay) delay() time.Duration {
	text, err := os.ReadFile(r.delayFile)
	if err != nil {
		return 0
	}
	delay, _ := time.ParseDuration(strings.TrimSpace(string(text)))
	return delay
}
