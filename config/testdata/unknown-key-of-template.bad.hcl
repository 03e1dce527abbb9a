template {
  source = "page.ctmpl"
  destinaton = "x"
}
