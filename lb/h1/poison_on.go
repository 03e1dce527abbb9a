//go:build race

package h1

// poison has buffers overwritten when they are given back, so that a string
// kept too long shows.
const poison = true
