"""What tenants show to the public: status pages."""
