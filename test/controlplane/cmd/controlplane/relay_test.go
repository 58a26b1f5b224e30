// SPDX-License-Identifier: Apache-2.0

package main

import (
	"io"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"
)

func TestRelayHoldsBackAnswersForAsLongAsItsFileAsks(t *testing.T) {
	echo, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer echo.Close()
	go func() {
		for {
			connection, err := echo.Accept()
			if err != nil {
				return
			}
			go io.Copy(connection, connection)
		}
	}()
	file := filepath.Join(t.TempDir(), "delay")
	r, err := startRelay(echo.Addr().String(), file)
	if err != nil {
		t.Fatal(err)
	}
	defer r.close()
	connection, err := net.Dial("tcp", r.address())
	if err != nil {
		t.Fatal(err)
	}
	defer connection.Close()
	ask := func() time.Duration {
		began := time.Now()
		if _, err := connection.Write([]byte("hello")); err != nil {
			t.Fatal(err)
		}
		answer := make([]byte, 5)
		if _, err := io.ReadFull(connection, answer); err != nil || string(answer) != "hello" {
			t.Fatalf("read %q, %v", answer, err)
		}
		return time.Since(began)
	}
	ask()
	if err := os.WriteFile(file, []byte("300ms\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if took := ask(); took < 300*time.Millisecond {
		t.Errorf("with a delay of 300 ms an answer came after %v", took)
	}
}
