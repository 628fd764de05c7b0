"""The pages of the app, one file each; `pages.ui` holds what they share."""
