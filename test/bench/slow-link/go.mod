module troupe.test/slow-link

go 1.23.0
