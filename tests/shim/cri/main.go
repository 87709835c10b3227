// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// A client of the Container Runtime Interface, of what the shim's tests need of it: what the kubelet does to
// pods and containers, one call a run. The socket is CRI_SOCKET; results go to standard output.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"sort"
	"strconv"
	"strings"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	cri "k8s.io/cri-api/pkg/apis/runtime/v1"
)

type client struct {
	context.Context
	cri.RuntimeServiceClient
}

// A pod has the host's network, and its name says where its logs and its control groups are.
func podConfig(name string) *cri.PodSandboxConfig {
	logs := os.Getenv("CRI_LOGS") + "/" + name
	return &cri.PodSandboxConfig{
		Metadata:     &cri.PodSandboxMetadata{Name: name, Uid: name, Namespace: "test"},
		LogDirectory: logs,
		Linux: &cri.LinuxPodSandboxConfig{
			CgroupParent: os.Getenv("CRI_CGROUP") + "/" + name,
			SecurityContext: &cri.LinuxSandboxSecurityContext{
				NamespaceOptions: &cri.NamespaceOption{Network: cri.NamespaceMode_NODE},
			},
		},
	}
}

// create POD-ID POD-NAME NAME IMAGE [KEY=VALUE]... [-- ARGUMENT...]: environment, then the command;
// memory=BYTES is a limit, annotation:K=V an annotation.
func (c client) create(a []string) (any, error) {
	name := a[2]
	config := &cri.ContainerConfig{
		Metadata:    &cri.ContainerMetadata{Name: name},
		Image:       &cri.ImageSpec{Image: a[3]},
		LogPath:     name + ".log",
		Annotations: map[string]string{},
		Linux: &cri.LinuxContainerConfig{
			Resources: &cri.LinuxContainerResources{},
			SecurityContext: &cri.LinuxContainerSecurityContext{
				NamespaceOptions: &cri.NamespaceOption{Network: cri.NamespaceMode_NODE, Pid: cri.NamespaceMode_CONTAINER},
			},
		},
	}
	rest := a[4:]
	for len(rest) > 0 && rest[0] != "--" {
		key, value, _ := strings.Cut(rest[0], "=")
		if key == "memory" {
			config.Linux.Resources.MemoryLimitInBytes, _ = strconv.ParseInt(value, 10, 64)
		} else if after, ok := strings.CutPrefix(key, "annotation:"); ok {
			config.Annotations[after] = value
		} else {
			config.Envs = append(config.Envs, &cri.KeyValue{Key: key, Value: value})
		}
		rest = rest[1:]
	}
	if len(rest) > 1 {
		config.Command = rest[1:]
	}
	r, err := c.CreateContainer(c, &cri.CreateContainerRequest{
		PodSandboxId: a[0], Config: config, SandboxConfig: podConfig(a[1])})
	return r.GetContainerId(), err
}

// exec ID ARGUMENT...: the output, then the exit code on a line.
func (c client) exec(a []string) (any, error) {
	r, err := c.ExecSync(c, &cri.ExecSyncRequest{ContainerId: a[0], Cmd: a[1:], Timeout: 20})
	return fmt.Sprintf("%s%s%d", r.GetStdout(), r.GetStderr(), r.GetExitCode()), err
}

func (c client) resize(a []string) (any, error) {
	bytes, _ := strconv.ParseInt(a[1], 10, 64)
	_, err := c.UpdateContainerResources(c, &cri.UpdateContainerResourcesRequest{ContainerId: a[0],
		Linux: &cri.LinuxContainerResources{MemoryLimitInBytes: bytes}})
	return "", err
}

func (c client) stop(a []string) (any, error) {
	seconds, _ := strconv.ParseInt(a[1], 10, 64)
	_, err := c.StopContainer(c, &cri.StopContainerRequest{ContainerId: a[0], Timeout: seconds})
	return "", err
}

// What is there: pods and containers, an id on each line.
func (c client) list([]string) (any, error) {
	pods, err := c.ListPodSandbox(c, &cri.ListPodSandboxRequest{})
	if err != nil {
		return nil, err
	}
	containers, err := c.ListContainers(c, &cri.ListContainersRequest{})
	ids := []string{}
	for _, p := range pods.GetItems() {
		ids = append(ids, "pod "+p.Metadata.Name)
	}
	for _, k := range containers.GetContainers() {
		ids = append(ids, "container "+k.Metadata.Name)
	}
	sort.Strings(ids)
	return strings.Join(ids, "\n"), err
}

type command struct {
	words int
	run   func(c client, a []string) (any, error)
}

var commands = map[string]command{
	"version": {0, func(c client, a []string) (any, error) {
		r, err := c.Version(c, &cri.VersionRequest{})
		return r.GetRuntimeVersion(), err
	}},
	"ready": {0, func(c client, a []string) (any, error) {
		r, err := c.Status(c, &cri.StatusRequest{Verbose: true})
		return r, err
	}},
	"run-pod": {2, func(c client, a []string) (any, error) { // NAME HANDLER
		r, err := c.RunPodSandbox(c, &cri.RunPodSandboxRequest{Config: podConfig(a[0]), RuntimeHandler: a[1]})
		return r.GetPodSandboxId(), err
	}},
	"create": {4, client.create},
	"start": {1, func(c client, a []string) (any, error) {
		_, err := c.StartContainer(c, &cri.StartContainerRequest{ContainerId: a[0]})
		return "", err
	}},
	"status": {1, func(c client, a []string) (any, error) {
		r, err := c.ContainerStatus(c, &cri.ContainerStatusRequest{ContainerId: a[0]})
		return r.GetStatus(), err
	}},
	"pod-status": {1, func(c client, a []string) (any, error) {
		r, err := c.PodSandboxStatus(c, &cri.PodSandboxStatusRequest{PodSandboxId: a[0], Verbose: true})
		return r, err
	}},
	"stats": {1, func(c client, a []string) (any, error) {
		r, err := c.ContainerStats(c, &cri.ContainerStatsRequest{ContainerId: a[0]})
		return r.GetStats(), err
	}},
	"pod-stats": {1, func(c client, a []string) (any, error) {
		r, err := c.PodSandboxStats(c, &cri.PodSandboxStatsRequest{PodSandboxId: a[0]})
		return r.GetStats(), err
	}},
	"exec":   {2, client.exec},
	"resize": {2, client.resize},
	"stop":   {2, client.stop},
	"remove": {1, func(c client, a []string) (any, error) {
		_, err := c.RemoveContainer(c, &cri.RemoveContainerRequest{ContainerId: a[0]})
		return "", err
	}},
	"stop-pod": {1, func(c client, a []string) (any, error) {
		_, err := c.StopPodSandbox(c, &cri.StopPodSandboxRequest{PodSandboxId: a[0]})
		return "", err
	}},
	"remove-pod": {1, func(c client, a []string) (any, error) {
		_, err := c.RemovePodSandbox(c, &cri.RemovePodSandboxRequest{PodSandboxId: a[0]})
		return "", err
	}},
	"list": {0, client.list},
}

func run(a []string) error {
	what, ok := commands[a[0]]
	if !ok || len(a)-1 < what.words {
		return fmt.Errorf("%s: unknown, or words are missing", a[0])
	}
	conn, err := grpc.NewClient("unix://"+os.Getenv("CRI_SOCKET"), grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		return err
	}
	defer conn.Close()
	ctx, cancel := context.WithTimeout(context.Background(), 50*time.Second)
	defer cancel()
	out, err := what.run(client{ctx, cri.NewRuntimeServiceClient(conn)}, a[1:])
	if err != nil {
		return err
	}
	if text, ok := out.(string); ok {
		if text != "" {
			fmt.Println(text)
		}
		return nil
	}
	return json.NewEncoder(os.Stdout).Encode(out)
}

func main() {
	if len(os.Args) < 2 {
		fmt.Fprintln(os.Stderr, "usage: cri COMMAND WORD...")
		os.Exit(2)
	}
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
