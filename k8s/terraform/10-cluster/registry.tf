# A registry of one's own: there are no public images of daemon and demo.

resource "aws_ecr_repository" "this" {
  for_each = toset(["xray-daemon", "demo-app"])

  name = each.key
  # A tag that says 0.1.0 stays the 0.1.0 it was.
  image_tag_mutability = "IMMUTABLE"
  # So that destroy works while images are in it.
  force_delete = true

  image_scanning_configuration {
    scan_on_push = true
  }

  encryption_configuration {
    encryption_type = "AES256"
  }
}

resource "aws_ecr_lifecycle_policy" "this" {
  for_each = aws_ecr_repository.this

  repository = each.value.name
  policy = jsonencode({
    rules = [{
      rulePriority = 1
      description  = "the newest ten images stay"
      selection    = { tagStatus = "any", countType = "imageCountMoreThan", countNumber = 10 }
      action       = { type = "expire" }
    }]
  })
}
