//go:build linux

package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

const mounts = `24 1 0:22 / /sys rw - sysfs sysfs rw
30 24 0:26 / /sys/fs/cgroup/unified rw,nosuid - cgroup2 cgroup2 rw`

func TestOwnGroup(t *testing.T) {
	for _, given := range []struct{ groups, mounts, own string }{
		{"9:pids:/\n0::/user.slice/app", mounts, "/sys/fs/cgroup/unified/user.slice/app"},
		{"0::/", mounts, "/sys/fs/cgroup/unified"},
		{"0::/docker/a/app", "30 24 0:26 /docker/a /sys/fs/cgroup rw - cgroup2 cgroup rw", "/sys/fs/cgroup/app"},
		{"0::/docker/a", "30 24 0:26 /docker/a /sys/fs/cgroup rw - cgroup2 cgroup rw", "/sys/fs/cgroup"},
		{"0::/docker/ab", "30 24 0:26 /docker/a /sys/fs/cgroup rw - cgroup2 cgroup rw", ""},
		{"0::/../other", mounts, ""},
		{"9:pids:/", mounts, ""},
		{"0::/app", "24 1 0:22 / /sys rw - sysfs sysfs rw", ""},
	} {
		own, _, err := ownGroup(given.groups, given.mounts)
		if own != given.own || (err == nil) != (given.own != "") {
			t.Errorf("%q: %q, %v", given.groups, own, err)
		}
	}
}

// fakeGroup makes a folder that looks like a cgroup.
func fakeGroup(t *testing.T, controllers, enabled string) string {
	t.Helper()
	folder := t.TempDir()
	for name, text := range map[string]string{"cgroup.controllers": controllers, "cgroup.subtree_control": enabled} {
		if err := os.WriteFile(filepath.Join(folder, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return folder
}

func TestGroupHasLimits(t *testing.T) {
	folder := fakeGroup(t, "cpu memory pids", "memory pids")
	given := groupSettings{Folder: folder, Limits: map[string]string{"memory.max": "1000", "pids.max": "7", "io.max": "1"}}
	made, why := newGroup(given)
	if made == nil {
		t.Fatal(why)
	}
	for name, value := range map[string]string{"memory.max": "1000", "pids.max": "7"} {
		if found := setting(filepath.Join(made.path, name)); found != value {
			t.Errorf("%s: %q", name, found)
		}
	}
	if strings.Join(made.unlimited, " ") != "io.max" {
		t.Errorf("unlimited: %v", made.unlimited)
	}
	if err := os.WriteFile(filepath.Join(made.path, "memory.events"), []byte("oom 3\noom_kill 0\n"), 0o644); err != nil || made.ranOut() {
		t.Errorf("ran out: %v", err)
	}
	if err := os.WriteFile(filepath.Join(made.path, "memory.events"), []byte("oom_kill 1\n"), 0o644); err != nil || !made.ranOut() {
		t.Errorf("did not run out: %v", err)
	}
}

func TestGroupEnablesControllers(t *testing.T) {
	folder := fakeGroup(t, "memory pids", "")
	made, why := newGroup(groupSettings{Folder: folder, Limits: map[string]string{"pids.max": "7"}})
	if made == nil || setting(filepath.Join(folder, "cgroup.subtree_control")) != "+pids" {
		t.Error(why)
	}
}

func TestGroupIsNotMade(t *testing.T) {
	limits := map[string]string{"pids.max": "7"}
	for _, given := range []groupSettings{
		{Folder: fakeGroup(t, "cpu", ""), Limits: limits},
		{Folder: "/nowhere", Limits: limits},
		{Folder: fakeGroup(t, "pids", "pids")},
	} {
		if made, why := newGroup(given); made != nil || (why == "") != (given.Limits == nil) {
			t.Errorf("%v: %q", given, why)
		}
	}
}

func TestDelegation(t *testing.T) {
	folder := t.TempDir()
	if isDelegated(folder, false) != (os.Geteuid() != 0) || isDelegated("/nowhere", true) {
		t.Error("a folder without a mark")
	}
	if err := os.WriteFile(filepath.Join(folder, "cgroup.events"), nil, 0o644); err != nil || !isDelegated(folder, true) {
		t.Errorf("the topmost of a container: %v", err)
	}
}

// The cgroups of this system, if there are any that can be changed: a real process is moved, and the cgroup deleted.
func TestProcessMoves(t *testing.T) {
	_, top, err := ownGroup(setting("/proc/self/cgroup"), setting("/proc/self/mountinfo"))
	if err != nil {
		t.Log(err)
		return
	}
	made := &group{path: filepath.Join(top, "troupe-test-"+strconv.Itoa(os.Getpid()))}
	if err := os.Mkdir(made.path, 0o755); err != nil {
		t.Log(err)
		return
	}
	defer made.remove()
	command := exec.Command("sleep", "60")
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	if err := made.add(command.Process.Pid); err != nil {
		t.Error(err)
	}
	groups := setting("/proc/" + strconv.Itoa(command.Process.Pid) + "/cgroup")
	if !strings.Contains(groups, filepath.Base(made.path)) {
		t.Error(groups)
	}
	made.remove()
	if _, err := os.Stat(made.path); err != nil {
		t.Error("a cgroup with a process was deleted")
	}
	command.Process.Kill()
	command.Wait()
	made.remove()
	if _, err := os.Stat(made.path); err == nil {
		t.Error("the cgroup is still there")
	}
}
