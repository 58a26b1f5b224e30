// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strconv"
	"sync"
	"sync/atomic"
	"time"
)

const (
	jsonBody  = "application/json"
	applyBody = "application/apply-patch+yaml"
	mergeBody = "application/merge-patch+json"
)

// kubeconfig is what `kubectl config view --raw --flatten --minify -o json` prints.
type kubeconfig struct {
	Clusters []struct {
		Cluster struct {
			Server string `json:"server"`
			CA     string `json:"certificate-authority-data"`
		} `json:"cluster"`
	} `json:"clusters"`
	Users []struct {
		User struct {
			Certificate string `json:"client-certificate-data"`
			Key         string `json:"client-key-data"`
			Token       string `json:"token"`
		} `json:"user"`
	} `json:"users"`
}

// client speaks HTTP/1.1 over a bounded number of keep-alive connections: one request at a time on each.
type client struct {
	agent  string
	server string
	token  string
	http   *http.Client
	sent   atomic.Int64
}

func newClient(agent, path string, connections int) (*client, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var config kubeconfig
	if err := json.Unmarshal(text, &config); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	if len(config.Clusters) != 1 || len(config.Users) != 1 {
		return nil, fmt.Errorf("%s: want one cluster and one user", path)
	}
	cluster, user := config.Clusters[0].Cluster, config.Users[0].User
	settings, err := tlsSettings(cluster.CA, user.Certificate, user.Key)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return &client{agent: "gatelift-bench-" + agent, server: cluster.Server, token: user.Token, http: &http.Client{
		Timeout: time.Minute,
		Transport: &http.Transport{
			TLSClientConfig:     settings,
			TLSNextProto:        map[string]func(string, *tls.Conn) http.RoundTripper{}, // no HTTP/2
			MaxConnsPerHost:     connections,
			MaxIdleConnsPerHost: connections,
		},
	}}, nil
}

func tlsSettings(ca, certificate, key string) (*tls.Config, error) {
	var pem [3][]byte
	for i, text := range []string{ca, certificate, key} {
		decoded, err := base64.StdEncoding.DecodeString(text)
		if err != nil {
			return nil, err
		}
		pem[i] = decoded
	}
	settings := &tls.Config{RootCAs: x509.NewCertPool(), MinVersion: tls.VersionTLS12}
	if !settings.RootCAs.AppendCertsFromPEM(pem[0]) {
		return nil, errors.New("no certificate in certificate-authority-data")
	}
	if len(pem[1]) > 0 {
		pair, err := tls.X509KeyPair(pem[1], pem[2])
		if err != nil {
			return nil, err
		}
		settings.Certificates = []tls.Certificate{pair}
	}
	return settings, nil
}

type answer struct {
	code int
	body []byte
}

// call retries what an API server asks to be retried (429), and nothing else.
func (c *client) call(method, path, contentType string, body []byte) (answer, error) {
	for {
		got, wait, err := c.once(method, path, contentType, body)
		if err != nil || got.code != http.StatusTooManyRequests {
			return got, err
		}
		time.Sleep(wait)
	}
}

func (c *client) once(method, path, contentType string, body []byte) (answer, time.Duration, error) {
	request, err := http.NewRequest(method, c.server+path, bytes.NewReader(body))
	if err != nil {
		return answer{}, 0, err
	}
	request.Header.Set("Accept", jsonBody)
	request.Header.Set("User-Agent", c.agent)
	if contentType != "" {
		request.Header.Set("Content-Type", contentType)
	}
	if c.token != "" {
		request.Header.Set("Authorization", "Bearer "+c.token)
	}
	c.sent.Add(1)
	response, err := c.http.Do(request)
	if err != nil {
		return answer{}, 0, err
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	seconds, _ := strconv.Atoi(response.Header.Get("Retry-After"))
	return answer{response.StatusCode, text}, time.Duration(max(seconds, 1)) * time.Second, err
}

// want is call for requests that have to succeed.
func (c *client) want(method, path, contentType string, body []byte) ([]byte, error) {
	got, err := c.call(method, path, contentType, body)
	if err != nil {
		return nil, fmt.Errorf("%s %s: %w", method, path, err)
	}
	if got.code < 200 || got.code > 299 {
		return nil, fmt.Errorf("%s %s: %d: %.300s", method, path, got.code, got.body)
	}
	return got.body, nil
}

// each calls work(0..n-1), in this order, on as many goroutines as there are connections.
func each(n, connections int, work func(int) error) error {
	var next atomic.Int64
	var failed atomic.Pointer[error]
	var group sync.WaitGroup
	for range connections {
		group.Go(func() {
			for failed.Load() == nil {
				i := int(next.Add(1)) - 1
				if i >= n {
					return
				}
				if err := work(i); err != nil {
					failed.CompareAndSwap(nil, &err)
				}
			}
		})
	}
	group.Wait()
	if err := failed.Load(); err != nil {
		return *err
	}
	return nil
}
