//go:build !race

package h1

const poison = false
