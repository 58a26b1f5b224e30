module gatelift.dev/test/controlplane

go 1.26.0
