// Stands in for the module of that name.
module github.com/hashicorp/go-discover

go 1.26
