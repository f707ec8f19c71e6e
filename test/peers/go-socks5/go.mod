module troupe.test/go-socks5

go 1.18

require github.com/armon/go-socks5 v0.0.0-20160902184237-e75332964ef5

require golang.org/x/net v0.10.0 // indirect
