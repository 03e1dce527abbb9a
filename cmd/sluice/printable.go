package main

import (
	"reflect"
	"strings"
	"unicode"
)

// makePrintable puts pictures in the place of control characters in all texts that v,
// a pointer, leads to. Names and tags are written by many, and shown in terminals,
// to which an escape is a command and a line end the next row of a table.
func makePrintable(v any) { printableValue(reflect.ValueOf(v).Elem()) }

func printableValue(v reflect.Value) {
	switch v.Kind() {
	case reflect.String:
		if v.CanSet() {
			v.SetString(printable(v.String()))
		}
	case reflect.Pointer:
		if !v.IsNil() {
			printableValue(v.Elem())
		}
	case reflect.Struct:
		for _, field := range v.Fields() {
			printableValue(field)
		}
	case reflect.Slice, reflect.Array:
		for i := range v.Len() {
			printableValue(v.Index(i))
		}
	case reflect.Map:
		if v.IsNil() || !v.CanSet() {
			return
		}
		m := reflect.MakeMapWithSize(v.Type(), v.Len())
		for key, value := range v.Seq2() {
			m.SetMapIndex(printableCopy(key), printableCopy(value))
		}
		v.Set(m)
	}
}

// printableCopy is for what a map holds, which cannot be changed in its place.
func printableCopy(v reflect.Value) reflect.Value {
	c := reflect.New(v.Type()).Elem()
	c.Set(v)
	printableValue(c)
	return c
}

func printable(text string) string {
	const pictures = '\u2400' // of the characters from NUL on
	return strings.Map(func(r rune) rune {
		switch {
		case r < ' ':
			return pictures + r
		case unicode.IsControl(r), unicode.Is(unicode.Bidi_Control, r), r == '\u2028', r == '\u2029':
			return unicode.ReplacementChar
		}
		return r
	}, text)
}
