// SPDX-License-Identifier: Apache-2.0

// Command pin writes the go.mod that builds the control plane commands of one Kubernetes release.
//
// k8s.io/kubernetes requires its staging modules at v0.0.0 and replaces them by its own folders; a
// replace in a dependency has no effect, so `go build` elsewhere needs one replace per staging module.
// They are taken from the release's own go.mod: a staging module of v1.Y.Z is published as v0.Y.Z.
// The remaining requirements are copied as they are, so the build uses what the release was tested with.
// Except for what no command imports: that is excluded, and need not be on the module proxy.
package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

type requirement struct {
	Path    string
	Version string
}

type goMod struct {
	Go      string
	Require []requirement
}

// unused is a staging module that every release requires and none of its commands imports.
const unused = "k8s.io/sample-apiserver"

func main() {
	if len(os.Args) < 4 {
		fmt.Fprintln(os.Stderr, "usage: pin v1.Y.Z DIR COMMAND...")
		os.Exit(2)
	}
	if err := pin(os.Args[1], os.Args[2], os.Args[3:]); err != nil {
		fmt.Fprintln(os.Stderr, "pin:", err)
		os.Exit(1)
	}
}

func pin(version, dir string, commands []string) error {
	release, err := releaseGoMod(version)
	if err != nil {
		return err
	}
	text, err := render(version, release, commands)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, "go.mod"), text, 0o644)
}

// releaseGoMod downloads the release and reads its go.mod; the module system checks both checksums.
func releaseGoMod(version string) (goMod, error) {
	var download struct{ GoMod, Error string }
	err := goJSON(&download, "mod", "download", "-json", "k8s.io/kubernetes@"+version)
	if download.Error != "" {
		return goMod{}, errors.New(download.Error)
	}
	if err != nil {
		return goMod{}, err
	}
	var release goMod
	if err := goJSON(&release, "mod", "edit", "-json", download.GoMod); err != nil {
		return goMod{}, err
	}
	return release, nil
}

// goJSON also decodes what a failing command printed: `go mod download -json` explains itself there.
func goJSON(into any, args ...string) error {
	cmd := exec.Command("go", args...)
	cmd.Dir = os.TempDir()
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		err = fmt.Errorf("go %s: %w", strings.Join(args, " "), err)
	}
	return errors.Join(err, json.Unmarshal(out, into))
}

// render fails when the release has no staging module at v0.0.0: then its layout is not the known one.
func render(version string, release goMod, commands []string) ([]byte, error) {
	number, isV1 := strings.CutPrefix(version, "v1.")
	if !isV1 {
		return nil, fmt.Errorf("version %q is not of the form v1.Y.Z", version)
	}
	var tools, requires, excludes, replaces bytes.Buffer
	for _, command := range commands {
		fmt.Fprintf(&tools, "\tk8s.io/kubernetes/cmd/%s\n", command)
	}
	fmt.Fprintf(&requires, "\tk8s.io/kubernetes %s\n", version)
	for _, r := range release.Require {
		if r.Path == unused {
			fmt.Fprintf(&excludes, "exclude %s %s\n\n", r.Path, r.Version)
			continue
		}
		if r.Version == "v0.0.0" && strings.HasPrefix(r.Path, "k8s.io/") {
			fmt.Fprintf(&replaces, "\t%s => %s v0.%s\n", r.Path, r.Path, number)
		}
		fmt.Fprintf(&requires, "\t%s %s // indirect\n", r.Path, r.Version)
	}
	if replaces.Len() == 0 {
		return nil, fmt.Errorf("k8s.io/kubernetes %s requires no staging module at v0.0.0", version)
	}
	minor, _, _ := strings.Cut(number, ".")
	var text bytes.Buffer
	fmt.Fprintf(&text, "module gatelift.dev/test/controlplane/kubernetes/v1_%s\n\ngo %s\n\n", minor, release.Go)
	fmt.Fprintf(&text, "tool (\n%s)\n\nrequire (\n%s)\n\n%sreplace (\n%s)\n",
		&tools, &requires, &excludes, &replaces)
	return text.Bytes(), nil
}
