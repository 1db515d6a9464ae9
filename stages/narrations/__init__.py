"""The language teacher on real narrations, next to what keywords alone tell."""
