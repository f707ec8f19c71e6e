//go:build linux

package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/sys/unix"
)

// newRoot is where the new root is built, over a folder that exists on every system.
const newRoot = "/proc"

// Devices that programs expect on every system.
var devices = []string{"/dev/null", "/dev/zero", "/dev/random", "/dev/urandom"}

func isFolder(path string) bool {
	found, err := os.Stat(path)
	return err == nil && found.IsDir()
}

type tree struct {
	path     string
	fd       int
	isFolder bool
}

// enterRoot makes a root that contains only the given paths, all read-only except those to write, and enters it.
func enterRoot(read, write []string) error {
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		return noNamespaces{fmt.Errorf("private mounts: %w", err)}
	}
	// The mounts are copied before the new root hides the paths under it.
	trees := []tree{}
	// A folder includes its contents. Writable paths are mounted over it.
	read = slices.DeleteFunc(slices.Clone(read), func(path string) bool {
		return slices.ContainsFunc(read, func(other string) bool { return other != path && strings.HasPrefix(path, other+"/") && isFolder(other) })
	})
	take := func(paths []string, attributes uint64) error {
		for _, path := range paths {
			taken, err := copyTree(path, attributes)
			if errors.Is(err, unix.ENOENT) {
				continue
			}
			if errors.Is(err, unix.EPERM) || errors.Is(err, unix.ENOSYS) {
				return noNamespaces{fmt.Errorf("mount %s: %w", path, err)}
			}
			if err != nil {
				return fmt.Errorf("mount %s: %w", path, err)
			}
			trees = append(trees, taken)
		}
		return nil
	}
	const files = unix.MOUNT_ATTR_NOSUID | unix.MOUNT_ATTR_NODEV
	if err := errors.Join(take(read, files|unix.MOUNT_ATTR_RDONLY), take(devices, unix.MOUNT_ATTR_NOSUID|unix.MOUNT_ATTR_NOEXEC), take(write, files)); err != nil {
		return err
	}
	const flags = unix.MS_NOSUID | unix.MS_NODEV
	if err := unix.Mount("tmpfs", newRoot, "tmpfs", flags, "mode=755,size=1m"); err != nil {
		return fmt.Errorf("mount the new root: %w", err)
	}
	for _, taken := range trees {
		if err := place(taken); err != nil {
			return fmt.Errorf("mount %s: %w", taken.path, err)
		}
	}
	// Shows only this process. In a container that hides parts of its own /proc, there is none.
	if err := os.Mkdir(newRoot+"/proc", 0o755); err == nil {
		unix.Mount("proc", newRoot+"/proc", "proc", flags|unix.MS_NOEXEC|unix.MS_RDONLY, "")
	}
	if err := unix.Mount("", newRoot, "", unix.MS_REMOUNT|unix.MS_BIND|unix.MS_RDONLY|flags, ""); err != nil {
		return fmt.Errorf("close the new root: %w", err)
	}
	if err := os.Chdir(newRoot); err != nil {
		return err
	}
	if err := unix.PivotRoot(".", "."); err != nil {
		return fmt.Errorf("enter the new root: %w", err)
	}
	if err := unix.Unmount(".", unix.MNT_DETACH); err != nil {
		return fmt.Errorf("leave the old root: %w", err)
	}
	return os.Chdir("/")
}

// copyTree copies the mounts at a path, with additional attributes for all of them.
func copyTree(path string, attributes uint64) (tree, error) {
	fd, err := unix.OpenTree(unix.AT_FDCWD, path, unix.OPEN_TREE_CLONE|unix.OPEN_TREE_CLOEXEC|unix.AT_RECURSIVE)
	if err != nil {
		return tree{}, err
	}
	set := unix.MountAttr{Attr_set: attributes}
	if err := unix.MountSetattr(fd, "", unix.AT_EMPTY_PATH|unix.AT_RECURSIVE, &set); err != nil {
		return tree{}, err
	}
	var stat unix.Stat_t
	if err := unix.Fstat(fd, &stat); err != nil {
		return tree{}, err
	}
	return tree{path: path, fd: fd, isFolder: stat.Mode&unix.S_IFMT == unix.S_IFDIR}, nil
}

func place(taken tree) error {
	target := filepath.Join(newRoot, taken.path)
	if err := makeTarget(target, taken.isFolder); err != nil {
		return err
	}
	defer unix.Close(taken.fd)
	return unix.MoveMount(taken.fd, "", unix.AT_FDCWD, target, unix.MOVE_MOUNT_F_EMPTY_PATH)
}

// makeTarget makes the mount point. A path inside another one that is already mounted exists.
func makeTarget(target string, isFolder bool) error {
	if _, err := os.Lstat(target); err == nil {
		return nil
	}
	if isFolder {
		return os.MkdirAll(target, 0o755)
	}
	if err := os.MkdirAll(filepath.Dir(target), 0o755); err != nil {
		return err
	}
	return os.WriteFile(target, nil, 0o444)
}
