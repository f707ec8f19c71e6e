module launcher

go 1.26.6

toolchain go1.26.8

require golang.org/x/sys v0.47.0
