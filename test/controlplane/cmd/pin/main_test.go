// SPDX-License-Identifier: Apache-2.0

package main

import (
	"strings"
	"testing"
)

var release = goMod{Go: "1.23.0", Require: []requirement{
	{"github.com/spf13/cobra", "v1.8.1"},
	{"k8s.io/api", "v0.0.0"},
	{"k8s.io/klog/v2", "v2.130.1"},
	{"k8s.io/sample-apiserver", "v0.0.0"},
}}

const want = `module gatelift.dev/test/controlplane/kubernetes/v1_32

go 1.23.0

tool (
	k8s.io/kubernetes/cmd/kube-apiserver
	k8s.io/kubernetes/cmd/kubectl
)

require (
	k8s.io/kubernetes v1.32.13
	github.com/spf13/cobra v1.8.1 // indirect
	k8s.io/api v0.0.0 // indirect
	k8s.io/klog/v2 v2.130.1 // indirect
)

exclude k8s.io/sample-apiserver v0.0.0

replace (
	k8s.io/api => k8s.io/api v0.32.13
)
`

func TestStagingModulesAreReplacedAndWhatNoCommandImportsIsExcluded(t *testing.T) {
	got, err := render("v1.32.13", release, []string{"kube-apiserver", "kubectl"})
	if err != nil || string(got) != want {
		t.Errorf("got %v\n%s", err, got)
	}
}

func TestARequirementListWithoutStagingModulesIsRefused(t *testing.T) {
	_, err := render("v1.32.13", goMod{Go: "1.23.0", Require: release.Require[:1]}, []string{"kubectl"})
	if err == nil || !strings.Contains(err.Error(), "no staging module") {
		t.Errorf("got %v", err)
	}
}
