//go:build linux

package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// groupSettings are the limits of the program as a whole, which resource limits cannot express.
type groupSettings struct {
	// Folder is a cgroup that belongs to the parent. Empty: the one that it was started in is tried, and the one above.
	Folder string `json:"folder"`
	// Limits are values by the names of their files.
	Limits map[string]string `json:"limits"`
}

// group is the cgroup (version 2) of one program.
type group struct {
	path string
	// unlimited are the limits whose controllers are not available.
	unlimited []string
}

const groupPrefix = "troupe-"

// newGroup makes a cgroup with these limits. why is the reason if that is not possible: the program then has only its
// resource limits.
func newGroup(given groupSettings) (made *group, why string) {
	if len(given.Limits) == 0 {
		return nil, ""
	}
	folder, err := delegated(given.Folder)
	if err != nil {
		return nil, err.Error()
	}
	sweep(folder)
	enabled, err := enable(folder, controllersOf(given.Limits))
	if err != nil {
		return nil, err.Error()
	}
	made = &group{path: filepath.Join(folder, groupPrefix+strconv.Itoa(os.Getpid()))}
	if err := os.Mkdir(made.path, 0o755); err != nil && !errors.Is(err, os.ErrExist) {
		return nil, err.Error()
	}
	for name, value := range given.Limits {
		if !slices.Contains(enabled, controllerOf(name)) {
			made.unlimited = append(made.unlimited, name)
			continue
		}
		if err := os.WriteFile(filepath.Join(made.path, name), []byte(value), 0o644); err != nil {
			made.remove()
			return nil, err.Error()
		}
	}
	slices.Sort(made.unlimited)
	return made, ""
}

// add moves a process into the cgroup. Its children start there.
func (made *group) add(pid int) error {
	return os.WriteFile(filepath.Join(made.path, "cgroup.procs"), []byte(strconv.Itoa(pid)), 0o644)
}

// remove deletes the cgroup, which is possible when its processes have ended.
func (made *group) remove() { unix.Rmdir(made.path) }

// ranOut returns whether the kernel ended a process of the cgroup because of its limit of memory.
func (made *group) ranOut() bool {
	text, _ := os.ReadFile(filepath.Join(made.path, "memory.events"))
	for _, line := range strings.Split(string(text), "\n") {
		if count, isKill := strings.CutPrefix(line, "oom_kill "); isKill {
			return strings.TrimSpace(count) != "0"
		}
	}
	return false
}

// sweep deletes the cgroups of launchers that were killed together with their parents.
func sweep(folder string) {
	entries, _ := os.ReadDir(folder)
	for _, entry := range entries {
		pid, err := strconv.Atoi(strings.TrimPrefix(entry.Name(), groupPrefix))
		if err == nil && strings.HasPrefix(entry.Name(), groupPrefix) && unix.Kill(pid, 0) == unix.ESRCH {
			unix.Rmdir(filepath.Join(folder, entry.Name()))
		}
	}
}

func controllerOf(file string) string {
	controller, _, _ := strings.Cut(file, ".")
	return controller
}

func controllersOf(limits map[string]string) (controllers []string) {
	for name := range limits {
		if !slices.Contains(controllers, controllerOf(name)) {
			controllers = append(controllers, controllerOf(name))
		}
	}
	return controllers
}

// enable makes controllers available to the children of a cgroup, and returns those that are.
func enable(folder string, wanted []string) (enabled []string, err error) {
	const file = "cgroup.subtree_control"
	var cause error
	for _, controller := range wanted {
		if !slices.Contains(words(folder, "cgroup.controllers"), controller) {
			continue
		}
		if !slices.Contains(words(folder, file), controller) {
			if cause = os.WriteFile(filepath.Join(folder, file), []byte("+"+controller), 0o644); cause != nil {
				continue
			}
		}
		enabled = append(enabled, controller)
	}
	if len(enabled) > 0 {
		return enabled, nil
	}
	if errors.Is(cause, unix.EBUSY) {
		return nil, fmt.Errorf("the cgroup %s contains processes: the program must be in one below it", folder)
	}
	if cause != nil {
		return nil, cause
	}
	return nil, fmt.Errorf("the cgroup %s has none of the controllers %s", folder, strings.Join(wanted, ", "))
}

func words(folder, file string) []string { return strings.Fields(setting(filepath.Join(folder, file))) }

// delegated returns the cgroup in which this process may make others: the given one, or the one that it is in, or the
// one above, if systemd or a container's manager has handed it over.
func delegated(given string) (string, error) {
	if given != "" {
		return given, nil
	}
	own, top, err := ownGroup(setting("/proc/self/cgroup"), setting("/proc/self/mountinfo"))
	if err != nil {
		return "", err
	}
	for _, folder := range []string{own, filepath.Dir(own)} {
		if strings.HasPrefix(folder+"/", top+"/") && isDelegated(folder, folder == top) {
			return folder, nil
		}
	}
	return "", fmt.Errorf("the cgroup %s is not delegated to this program", own)
}

// ownGroup returns the folder of the cgroup of this process, and the folder where the cgroups are mounted.
func ownGroup(groups, mounts string) (own, top string, err error) {
	var path string
	for _, line := range strings.Split(groups, "\n") {
		if rest, isUnified := strings.CutPrefix(line, "0::"); isUnified {
			path = rest
		}
	}
	if path == "" || strings.HasPrefix(path, "/..") {
		return "", "", errors.New("there are no cgroups of version 2")
	}
	for _, line := range strings.Split(mounts, "\n") {
		before, after, _ := strings.Cut(line, " - ")
		fields := strings.Fields(before)
		if len(fields) < 5 || !strings.HasPrefix(after, "cgroup2 ") {
			continue
		}
		root, point := fields[3], fields[4]
		if root == "/" || path == root || strings.HasPrefix(path, root+"/") {
			return filepath.Join(point, strings.TrimPrefix(path, strings.TrimSuffix(root, "/"))), point, nil
		}
	}
	return "", "", errors.New("no cgroups of version 2 are mounted")
}

// isDelegated returns whether a cgroup belongs to this program: to its user, by a mark of systemd, or because it is the
// topmost one of a container.
func isDelegated(folder string, isTop bool) bool {
	var stat unix.Stat_t
	if unix.Access(folder, unix.W_OK) != nil || unix.Stat(folder, &stat) != nil {
		return false
	}
	if uid := os.Geteuid(); uid != 0 && stat.Uid == uint32(uid) {
		return true
	}
	for _, name := range []string{"user.delegate", "trusted.delegate"} {
		mark := make([]byte, 1)
		if n, err := unix.Getxattr(folder, name, mark); err == nil && n == 1 && mark[0] == '1' {
			return true
		}
	}
	// The topmost cgroup of the system has no such file.
	_, err := os.Stat(filepath.Join(folder, "cgroup.events"))
	return isTop && err == nil
}
